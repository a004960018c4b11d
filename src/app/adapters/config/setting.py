"""How a settings class is declared: each field with its default, what it is for, and whether it may change live."""

import types
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
from attrs.validators import optional

Validator = Callable[[Any, Any, Any], object]

Key = tuple[str, ...]
"""Where a setting stands in the tree, in lower case: `("http", "port")`."""

NAME = "<NAME>"
"""Stands in a key for the names that the operator chooses, such as those of pools."""


@attrs.frozen
class About:
    """What is known of a setting beside its type and default."""

    description: str
    reloadable: bool = False


def setting(
    default: Any = attrs.NOTHING,
    description: str = "",
    *,
    validator: Validator | Sequence[Validator] = (),
    reloadable: bool = False,
) -> Any:
    """A field of a settings class. Without a default it is required; `reloadable` ones may change while running.

    Several by name are a `dict` with the default `attrs.Factory(dict)`; the operator chooses the names.
    Validators see only values that are there: None, as a default, passes them.
    """
    single = [validator] if callable(validator) else list(validator)
    wrapped = [optional(each) for each in single] if default is None else single
    return attrs.field(
        default=default,
        validator=wrapped or None,
        metadata={About: About(description, reloadable)},
        kw_only=True,
    )


def about(attribute: "attrs.Attribute[Any]") -> About:
    """What `setting()` was told about this field."""
    known = attribute.metadata.get(About)
    return known if isinstance(known, About) else About("")


def default_of(attribute: "attrs.Attribute[Any]") -> Any:
    """The field's default value, or `attrs.NOTHING` if it is required."""
    factory = getattr(attribute.default, "factory", None)
    return factory() if factory else attribute.default


def named_type(tp: Any) -> Any:
    """The `T` of a `dict[str, T]`, or None for any other type."""
    if typing.get_origin(tp) is not dict:
        return None
    key, value = typing.get_args(tp)
    if key is not str:
        raise TypeError(f"names of settings are text: {tp}")
    return value


def optional_type(tp: Any) -> Any:
    """The `T` of a `T | None`, or None for any other type."""
    if typing.get_origin(tp) not in (typing.Union, types.UnionType):
        return None
    inner = [arg for arg in typing.get_args(tp) if arg is not types.NoneType]
    return inner[0] if len(inner) == 1 and len(typing.get_args(tp)) == 2 else None


@attrs.frozen
class Leaf:
    """One setting of the tree: where it stands, its type, and the field that declares it."""

    key: Key
    type: Any
    attribute: "attrs.Attribute[Any]"


def ordered(cls: type) -> "list[attrs.Attribute[Any]]":
    """The fields of a settings class: first its own settings, then the sections below it."""
    return sorted(attrs.fields(cls), key=lambda field: attrs.has(field.type) or named_type(field.type) is not None)


def leaves(cls: type, prefix: Key = ()) -> Iterator[Leaf]:
    """Every setting below `cls`, in the order of declaration; names that the operator chooses stand as `<NAME>`."""
    for attribute in ordered(cls):
        key = (*prefix, attribute.name)
        inner = named_type(attribute.type)
        if inner is not None:
            key, tp = (*key, NAME), inner
        else:
            tp = attribute.type
        if attrs.has(tp):
            yield from leaves(tp, key)
        else:
            yield Leaf(key, tp, attribute)


def variable(key: Key) -> str:
    """The environment variable of a key: `APP_HTTP__PORT`."""
    return "APP_" + "__".join(part.upper() for part in key)
