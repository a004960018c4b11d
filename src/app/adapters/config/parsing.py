"""Reading a setting's text as its type. Messages say what is expected and never repeat the text: it may be a secret."""

import enum
import math
import re
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from app.adapters.config.secret import Dsn, Secret
from app.adapters.config.setting import optional_type

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,19}(\.[0-9]{1,19})?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s]+")
_BROKEN = re.compile("[\x00\ud800-\udfff]")


def parse(tp: Any, text: str) -> Any:
    """The value of `text` as a `tp`.

    Raises ValueError, saying what is expected, and TypeError for a type that no setting can have.
    """
    if _BROKEN.search(text):
        raise ValueError("must be valid UTF-8 text without NUL")
    inner = optional_type(tp)
    if inner is not None:
        return parse(inner, text) if text else None
    origin = typing.get_origin(tp)
    if origin is typing.Literal:
        return _one_of(((str(choice), choice) for choice in typing.get_args(tp)), text)
    if origin in _COLLECTIONS:
        return origin(_items(tp, text))
    if isinstance(tp, type) and issubclass(tp, enum.Enum):
        return _one_of(((str(member.value), member) for member in tp), text)
    return _scalar(tp)(text)


_COLLECTIONS = (list, tuple, frozenset)


def item_type(tp: Any) -> Any:
    """The type of a collection's items: of `list[T]`, `frozenset[T]`, `tuple[T, ...]`."""
    args = typing.get_args(tp)
    if not args or (typing.get_origin(tp) is tuple and args[1:] != (...,)):
        raise TypeError(f"no setting can be a {tp}")
    return args[0]


def _items(tp: Any, text: str) -> list[Any]:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if not all(parts):
        raise ValueError("must be a list separated by commas, with no empty item")
    return [parse(item_type(tp), part) for part in parts]


def _one_of(choices: Iterable[tuple[str, Any]], text: str) -> Any:
    by_name = dict(choices)
    for name, choice in by_name.items():
        if name.lower() == text.lower():
            return choice
    raise ValueError(f"must be one of {', '.join(by_name)}")


def _scalar(tp: Any) -> Callable[[str], Any]:
    reader = _SCALARS.get(tp)
    if reader is None:
        raise TypeError(f"no setting can be a {tp}")
    return reader


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError("must be true or false (or 1, 0, yes, no, on, off)") from None


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("must be a whole number")
    return int(text)


def _number(text: str) -> float:
    if not _DECIMAL.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError("must be a number, such as 2.5")
    return float(text)


def _path(text: str) -> Path:
    if not text:
        raise ValueError("must be a path")
    return Path(text)


def _dsn(text: str) -> Dsn:
    if not _SCHEME.fullmatch(text):
        raise ValueError("must be a URL such as scheme://user:password@host:port/name")
    return Dsn(text)


_SCALARS: dict[Any, Callable[[str], Any]] = {
    str: str,
    bool: _boolean,
    int: _integer,
    float: _number,
    Path: _path,
    Secret: Secret,
    Dsn: _dsn,
}


def to_text(value: object) -> str:
    """A value written so that `parse` reads it back; secrets come out masked."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case enum.Enum():
            return str(value.value)
        case list() | tuple():
            return ",".join(to_text(item) for item in value)
        case frozenset():
            return ",".join(sorted(to_text(item) for item in value))
        case _:
            return str(value)
