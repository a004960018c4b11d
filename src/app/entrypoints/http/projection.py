"""Only what the declared view names goes out, in its order, whatever else the object holds."""

from collections.abc import Callable
from functools import cache
from typing import Any, get_args, get_origin

import cattrs


@cache
def output_converter() -> cattrs.Converter:
    """Turns objects into what msgspec encodes by itself: times, UUIDs, decimals and free JSON stay as they are."""
    converter = cattrs.Converter()
    converter.register_unstructure_hook_func(_is_free_json, _as_it_is)
    return converter


def projector(view: Any) -> Callable[[Any], Any]:
    """Reads the fields of `view`, nested ones included, off any object; generated once by cattrs."""
    return output_converter().get_unstructure_hook(view)


def _is_free_json(type_: Any) -> bool:
    return type_ is object or (get_origin(type_) is dict and get_args(type_) == (str, object))


def _as_it_is(value: Any) -> Any:
    return value
