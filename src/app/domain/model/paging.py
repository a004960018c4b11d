"""Lists that come in pages: by offset, with a total; or by cursor, stable however much is added meanwhile."""

import base64
import enum
import json
from typing import Generic, TypeVar

import attrs

from app.domain.errors import Invalid

T = TypeVar("T")

INT64_MAX = 2**63 - 1

LIMIT = {"description": "How many to list at most"}
OFFSET = {"description": "How many to pass over first"}
CURSOR = {"description": "The `next_cursor` of the page before, in place of an offset"}
"""What the parameters of lists are, for documentation."""

# Escaped to ASCII, a title of four-byte characters would make a cursor longer than a query takes.
_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class SortDir(enum.StrEnum):
    """The direction of a sorted list."""

    ASC = "asc"
    DESC = "desc"


@attrs.frozen
class Page(Generic[T]):
    """A part of a list. Read by cursor, it has no offset and no total; without a next cursor, it is the last."""

    items: list[T]
    limit: int
    offset: int | None = None
    total: int | None = None
    next_cursor: str | None = None


class InvalidCursor(Invalid):
    """The cursor was not made by this service, or for a list in another order."""

    code = "INVALID_CURSOR"


@attrs.frozen
class Position:
    """Where a page ended: the last row's value of the sort field (as text or integer), and its id."""

    value: str | int
    id: int


def encode_cursor(order: str, position: Position) -> str:
    """The opaque form of a position in a list sorted by `order`: URL-safe, without padding."""
    return base64.urlsafe_b64encode(_to_json([order, position.value, position.id]).encode()).decode().rstrip("=")


def decode_cursor(order: str, cursor: str, value_type: type[str] | type[int]) -> Position:
    """The position that `encode_cursor` was given, if its value is of this type; raises InvalidCursor otherwise."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        made_for, value, last_id = json.loads(base64.b64decode(padded.encode("ascii"), b"-_", validate=True))
    except (ValueError, TypeError, RecursionError) as error:
        raise _invalid_cursor() from error
    if made_for != order or type(value) is not value_type or not _is_position_value(value) or not _is_int64(last_id):
        raise _invalid_cursor()
    return Position(value, last_id)


def _is_position_value(value: object) -> bool:
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    return _is_int64(value)


def _is_int64(value: object) -> bool:
    return type(value) is int and -INT64_MAX <= value <= INT64_MAX


def _invalid_cursor() -> InvalidCursor:
    return InvalidCursor("Start again without a cursor: this one does not fit the list.", field_name="cursor")
