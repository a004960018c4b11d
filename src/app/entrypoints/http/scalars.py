"""One strict reading of each scalar type, from JSON and from text. Nothing is coerced."""

import enum
import math
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.entrypoints.http.errors import Violation
from app.entrypoints.http.strict_json import INT64_MAX, INT64_MIN, is_plain_text

DECIMAL_PATTERN = r"^-?[0-9]{1,28}(\.[0-9]{1,28})?$"
DATE_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

_DECIMAL = re.compile(DECIMAL_PATTERN[1:-1])
_DATE = re.compile(DATE_PATTERN[1:-1])
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_FLOAT = re.compile(r"-?[0-9]{1,309}(\.[0-9]{1,309})?([eE][+-]?[0-9]{1,3})?")
_BOOLS = {"true": True, "false": False, "1": True, "0": False}

Hook = Callable[[Any, Any], Any]


class Refused(ValueError):
    """A value that its field doesn't take; which field is known further out."""

    def __init__(self, code: str, message: str, meta: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.meta = meta

    def at(self, field_name: str | None) -> Violation:
        """What to tell the caller about the field at this path."""
        return Violation(self.code, self.message, field_name, self.meta)


def wrong_type(expected: str) -> Refused:
    """The value has another type than `expected`, such as "an integer"."""
    return Refused("WRONG_TYPE", f"Send {expected}.")


def _string(value: Any, _: Any) -> str:
    if type(value) is not str:
        raise wrong_type("a string")
    return value


def _text(value: Any, _: Any) -> str:
    if not is_plain_text(value):
        raise Refused("INVALID_TEXT", "Send text without NUL and lone surrogates.")
    return str(value)


def _integer(value: Any, _: Any) -> int:
    if type(value) is not int:
        raise wrong_type("an integer")
    return value


def _integer_text(value: Any, _: Any) -> int:
    if _INTEGER.fullmatch(value) and INT64_MIN <= (number := int(value)) <= INT64_MAX:
        return number
    raise wrong_type("an integer of at most 64 bits")


def _float(value: Any, _: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    raise wrong_type("a number")


def _float_text(value: Any, _: Any) -> float:
    if _FLOAT.fullmatch(value) and math.isfinite(number := float(value)):
        return number
    raise wrong_type("a number")


def _bool(value: Any, _: Any) -> bool:
    if type(value) is not bool:
        raise wrong_type("true or false")
    return value


def _bool_text(value: Any, _: Any) -> bool:
    try:
        return _BOOLS[value]
    except KeyError as error:
        raise wrong_type("true or false") from error


def _matching(pattern: re.Pattern[str], read: Callable[[str], Any], expected: str) -> Hook:
    def hook(value: Any, _: Any) -> Any:
        if type(value) is str and pattern.fullmatch(value):
            try:
                return read(value)
            except ValueError as error:
                raise wrong_type(expected) from error
        raise wrong_type(expected)

    return hook


def _read_datetime(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())


_SHARED: dict[Any, Hook] = {
    Decimal: _matching(_DECIMAL, Decimal, 'a decimal number as a string, such as "12.50"'),
    datetime: _matching(_DATETIME, _read_datetime, "a time with its offset (RFC 3339), such as 2026-01-31T12:00:00Z"),
    date: _matching(_DATE, date.fromisoformat, "a date, such as 2026-01-31"),
    UUID: _matching(_UUID, UUID, "a UUID"),
}
FROM_JSON: dict[Any, Hook] = {str: _string, int: _integer, float: _float, bool: _bool, **_SHARED}
FROM_TEXT: dict[Any, Hook] = {str: _text, int: _integer_text, float: _float_text, bool: _bool_text, **_SHARED}


def choice(members: Iterable[tuple[Any, Any]], *, as_text: bool) -> Hook:
    """Reads one of a set of values; `members` pairs what is sent with what it stands for."""
    pairs = [(str(sent) if as_text else sent, meant) for sent, meant in members]
    # True == 1 in a dictionary, so the type is a part of the key.
    known = {(type(sent), sent): meant for sent, meant in pairs}
    choices = [sent for sent, _ in pairs]

    def hook(value: Any, _: Any) -> Any:
        try:
            return known[type(value), value]
        except (KeyError, TypeError) as error:
            wanted = ", ".join(map(str, choices))
            raise Refused("NOT_A_CHOICE", f"Send one of: {wanted}.", {"choices": choices}) from error

    return hook


def members_of(type_: type[enum.Enum]) -> list[tuple[Any, Any]]:
    """What is sent for each member of an enumeration: its value."""
    return [(member.value, member) for member in type_]
