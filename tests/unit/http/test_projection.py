"""What a view doesn't name doesn't leave, wherever in an answer it stands."""

import enum
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import attrs
import msgspec
import pytest

from app.entrypoints.http.envelope import result_encoder
from app.entrypoints.http.projection import projector
from app.entrypoints.http.signature import MountError

T = TypeVar("T")


@attrs.frozen
class Cat:
    name: str
    kind: Literal["cat"] = "cat"


@attrs.frozen
class Dog:
    age: int
    kind: Literal["dog"] = "dog"


@attrs.frozen
class StoredCat(Cat):
    secret: str = "never told"


@attrs.frozen
class Box(Generic[T]):
    content: T


@attrs.frozen
class Holder:
    animals: dict[str, Cat | Dog]
    first: Cat | None = None


class Colour(enum.Enum):
    RED = "red"


def seen(view: Any, value: object) -> Any:
    return msgspec.json.decode(result_encoder(view)(value))["result"]


CAT = {"name": "Tom", "kind": "cat"}
STORED = StoredCat("Tom")


@pytest.mark.parametrize(
    ("view", "wrap", "shown"),
    [
        (Cat, lambda cat: cat, CAT),
        (Cat | None, lambda cat: cat, CAT),
        (Cat | Dog, lambda cat: cat, CAT),
        (Cat | Dog | None, lambda cat: cat, CAT),
        (list[Cat], lambda cat: [cat], [CAT]),
        (list[Cat | Dog], lambda cat: (cat,), [CAT]),
        (tuple[int, Cat], lambda cat: (1, cat), [1, CAT]),
        (dict[str, Cat], lambda cat: {"a": cat}, {"a": CAT}),
        (Box[Cat], Box, {"content": CAT}),
        (Box[Cat | Dog], Box, {"content": CAT}),
        (Holder, lambda cat: Holder({"a": cat}, cat), {"animals": {"a": CAT}, "first": CAT}),
    ],
)
def test_what_a_view_does_not_name_does_not_leave(view: Any, wrap: Callable[[Cat], object], shown: object) -> None:
    assert seen(view, wrap(STORED)) == shown


@pytest.mark.parametrize("view", [Cat | None, Cat | Dog | None])
def test_nothing_is_shown_as_nothing(view: Any) -> None:
    assert seen(view, None) is None


def test_classes_that_nothing_tells_apart_stop_the_start() -> None:
    with pytest.raises(MountError, match="tells them apart"):
        projector(Box | Holder)


@pytest.mark.parametrize(
    ("view", "value", "shown"),
    [
        (Colour, Colour.RED, "red"),
        (set[Colour], {Colour.RED}, ["red"]),
        (Decimal, Decimal("1.50"), "1.50"),
        (date, date(2026, 1, 31), "2026-01-31"),
        (datetime, datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00Z"),
        (UUID, UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (dict[str, object], {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        (object, {"a": 1}, {"a": 1}),
    ],
)
def test_every_other_type_is_shown_as_its_schema_says(view: Any, value: object, shown: object) -> None:
    assert seen(view, value) == shown
