"""What there is to set, told to people: for the table of the README and for `.env.example`."""

import enum
import typing
from pathlib import Path
from typing import Any

import attrs

from app.adapters.config.checks import parts, words
from app.adapters.config.parsing import item_type, to_text
from app.adapters.config.secret import Dsn, Secret
from app.adapters.config.setting import NAME, Leaf, about, default_of, leaves, optional_type, variable


@attrs.frozen
class SettingInfo:
    """One setting as its reader sees it. `default` is None where the setting is required."""

    variable: str
    type: str
    default: str | None
    description: str
    secret: bool
    reloadable: bool


def setting_names(cls: type) -> list[str]:
    """The variables of all settings of `cls`, in the order of declaration."""
    return [variable(leaf.key) for leaf in leaves(cls)]


def describe(cls: type) -> list[SettingInfo]:
    """All settings of `cls`. Raises TypeError for one that cannot be described."""
    return [_info(leaf) for leaf in leaves(cls)]


def _info(leaf: Leaf) -> SettingInfo:
    known = about(leaf.attribute)
    default = None if leaf.key[-1] == NAME else default_of(leaf.attribute)
    limits = [words(validator) for validator in parts(leaf.attribute.validator)]
    return SettingInfo(
        variable=variable(leaf.key),
        type=", ".join([_type_name(leaf.type), *limits]),
        default=None if default is attrs.NOTHING else to_text(default),
        description=known.description,
        secret=_is_secret(leaf.type),
        reloadable=known.reloadable,
    )


def _is_secret(tp: Any) -> bool:
    tp = optional_type(tp) or tp
    return isinstance(tp, type) and issubclass(tp, Secret)


def _type_name(tp: Any) -> str:
    tp = optional_type(tp) or tp
    origin = typing.get_origin(tp)
    if origin is typing.Literal:
        return " | ".join(str(choice) for choice in typing.get_args(tp))
    if origin is not None:
        return f"list of {_type_name(item_type(tp))}"
    if issubclass(tp, enum.Enum):
        return " | ".join(str(member.value) for member in tp)
    return _NAMES[tp]


_NAMES: dict[Any, str] = {
    str: "text",
    bool: "true | false",
    int: "whole number",
    float: "number",
    Path: "path",
    Secret: "secret",
    Dsn: "URL",
}
