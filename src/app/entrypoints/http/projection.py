"""Only what the declared view names goes out, in its order, whatever else the object holds."""

import types
from collections.abc import Callable
from functools import cache
from typing import Any, Union, get_args, get_origin

import cattrs

from app.entrypoints.http.structure import tag_of


@cache
def output_converter() -> cattrs.Converter:
    """Turns objects into what msgspec encodes by itself: times, UUIDs, decimals and free JSON stay as they are."""
    converter = cattrs.Converter()
    converter.register_unstructure_hook_func(_is_free_json, _as_it_is)
    converter.register_unstructure_hook_factory(_is_tagged, _by_tag)
    return converter


def projector(view: Any) -> Callable[[Any], Any]:
    """Reads the fields of `view`, nested ones included, off any object; generated once by cattrs."""
    return output_converter().get_unstructure_hook(view)


def _is_free_json(type_: Any) -> bool:
    return type_ is object or (get_origin(type_) is dict and get_args(type_) == (str, object))


def _as_it_is(value: Any) -> Any:
    return value


def _is_tagged(type_: Any) -> bool:
    return get_origin(type_) in (Union, types.UnionType) and len(_classes(type_)) > 1


def _classes(type_: Any) -> tuple[Any, ...]:
    return tuple(argument for argument in get_args(type_) if argument is not type(None))


def _by_tag(type_: Any) -> Callable[[Any], Any]:
    """Each object through the view that its tag names; cattrs would show all that the object's own class has."""
    name, by_tag = tag_of(_classes(type_))
    projectors = {tag: projector(class_) for tag, class_ in by_tag.items()}
    return lambda value: None if value is None else projectors[getattr(value, name)](value)
