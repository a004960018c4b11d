"""Every type that the kit covers: what is read, what is refused, from JSON and from text, and what its schema says."""

import enum
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import attrs
import pytest
from attrs.validators import deep_iterable, ge, gt, in_, le, lt, matches_re, max_len, min_len, optional
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from multidict import CIMultiDict, MultiDict

from app.entrypoints.http.converters import body_decoder, header_reader, not_utf8, path_reader, query_reader
from app.entrypoints.http.errors import MalformedRequest, ValidationFailed
from app.entrypoints.http.schema import Schemas
from app.entrypoints.http.signature import MountError

T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@attrs.frozen
class Point:
    x: int
    y: int = 0


@attrs.frozen
class Circle:
    radius: float
    kind: Literal["circle"] = "circle"


@attrs.frozen
class Square:
    side: float
    kind: Literal["square"] = "square"


@attrs.frozen
class Box(Generic[T]):
    content: T
    label: str = ""


@attrs.frozen
class Tree:
    name: str
    children: list["Tree"] = attrs.field(factory=list)


ID = UUID("12345678-1234-5678-1234-567812345678")
MOMENT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

# type, what JSON is read as which value, what JSON is refused
TYPES: list[tuple[Any, list[tuple[Any, Any]], list[Any]]] = [
    (str, [("", ""), ("é😀", "é😀")], [1, None, True, ["a"], {}]),
    (int, [(0, 0), (-(2**63), -(2**63)), (2**63 - 1, 2**63 - 1)], ["1", 1.0, True, None]),
    (float, [(1, 1.0), (-0.5, -0.5)], ["1.5", True, None]),
    (bool, [(True, True), (False, False)], ["true", 1, 0, None]),
    (Decimal, [("12.50", Decimal("12.50")), ("-0", Decimal("-0"))], [12.5, 12, "", "1e5", "NaN", " 1", "١", "."]),
    (
        datetime,
        [
            ("2026-01-31T12:00:00Z", MOMENT),
            ("2026-01-31t14:00:00.0+02:00", MOMENT.astimezone(timezone(timedelta(hours=2)))),
        ],
        ["2026-01-31T12:00:00", "2026-01-31", 1767225600, "2026-02-30T12:00:00Z", "", "2026-01-31 12:00:00Z"],
    ),
    (date, [("2026-01-31", date(2026, 1, 31))], ["2026-1-31", "20260131", "2026-02-30", "2026-01-31T00:00:00Z", 1]),
    (UUID, [(str(ID), ID), (str(ID).upper(), ID)], [ID.hex, f"{{{ID}}}", "", 1]),
    (Colour, [("red", Colour.RED)], ["RED", "green", "", 1, None, ["red"]]),
    (Level, [(1, Level.LOW)], [True, 3, "1", 1.0]),
    (Literal["a", 1], [("a", "a"), (1, 1)], ["b", True, "1", None]),
    (int | None, [(None, None), (1, 1)], ["", "null", False]),
    (list[int], [([], []), ([1, 2], [1, 2])], [None, 1, "12", {"0": 1}, [1, "2"], [None]]),
    (set[int], [([1, 2], {1, 2})], [[1, 1], "1", {"a": 1}]),
    (frozenset[str], [(["a"], frozenset("a"))], [["a", "a"], "a"]),
    (tuple[int, ...], [([1, 2], (1, 2))], ["12", [1, "2"]]),
    (tuple[int, str], [([1, "a"], (1, "a"))], [[1], [1, "a", 2], ["a", 1], "1a"]),
    (dict[str, int], [({"a": 1}, {"a": 1})], [[], None, {"a": "1"}, [["a", 1]]]),
    (dict[str, object], [({"a": [None, {"b": 1.5}]}, {"a": [None, {"b": 1.5}]})], [[], "a", None]),
    (
        Point,
        [({"x": 1}, Point(1)), ({"x": 1, "y": 2}, Point(1, 2))],
        [{}, {"x": 1, "z": 1}, {"x": None}, [1, 2], "x", None],
    ),
    (
        Circle | Square,
        [({"kind": "circle", "radius": 1}, Circle(1.0)), ({"kind": "square", "side": 2.5}, Square(2.5))],
        [{"radius": 1}, {"kind": "oval"}, {"kind": "circle", "side": 1}, {"kind": ["circle"]}, [], None],
    ),
    (Circle | Square | None, [(None, None)], [{}]),
    (Box[int], [({"content": 1}, Box(1))], [{"content": "1"}, {"content": 1, "label": None}]),
    (Box[list[Point]], [({"content": [{"x": 1}]}, Box([Point(1)]))], [{"content": [{"x": "1"}]}]),
    (Tree, [({"name": "a", "children": [{"name": "b"}]}, Tree("a", [Tree("b")]))], [{"name": "a", "children": [1]}]),
]
GOOD = [(type_, sent, read) for type_, pairs, _ in TYPES for sent, read in pairs]
BAD = [(type_, sent) for type_, _, refused in TYPES for sent in refused]


def read(type_: Any, value: object) -> Any:
    return body_decoder(type_)(json.dumps(value).encode())


def faults(type_: Any, value: object) -> dict[str | None, str]:
    with pytest.raises(ValidationFailed) as refused:
        read(type_, value)
    return {violation.field_name: violation.code for violation in refused.value.errors}


def schema_of(type_: Any) -> dict[str, Any]:
    components: dict[str, Any] = {}
    described = Schemas(components.__setitem__).of(type_)
    return {**described, "components": {"schemas": components}}


@pytest.mark.parametrize(("type_", "sent", "expected"), GOOD)
def test_what_a_type_takes(type_: Any, sent: Any, expected: Any) -> None:
    found = read(type_, sent)
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(("type_", "sent"), BAD)
def test_what_a_type_refuses(type_: Any, sent: Any) -> None:
    assert faults(type_, sent)


@pytest.mark.parametrize(("type_", "sent", "expected"), GOOD)
def test_a_schema_takes_what_its_type_takes(type_: Any, sent: Any, expected: Any) -> None:
    Draft202012Validator(schema_of(type_), format_checker=FormatChecker()).validate(sent)


def is_beyond_schemas(type_: Any, sent: Any) -> bool:
    """1.0 is an integer in JSON Schema, and how strictly a format is checked is the validator's own matter."""
    return isinstance(sent, float) or (type_ in (datetime, date, UUID) and isinstance(sent, str))


@pytest.mark.parametrize(("type_", "sent"), [pair for pair in BAD if not is_beyond_schemas(*pair)])
def test_a_schema_refuses_what_its_type_refuses(type_: Any, sent: Any) -> None:
    assert not Draft202012Validator(schema_of(type_), format_checker=FormatChecker()).is_valid(sent)


@attrs.frozen
class Limited:
    small: int = attrs.field(default=1, validator=[ge(1), lt(10)])
    between: float = attrs.field(default=0.5, validator=[gt(0), le(1)])
    name: str = attrs.field(default="ab", validator=[min_len(2), max_len(4), matches_re("[a-z]+")])
    unit: str = attrs.field(default="m", validator=in_(["m", "s"]))
    maybe: int | None = attrs.field(default=None, validator=optional(ge(5)))
    many: list[int] = attrs.field(factory=list, validator=[max_len(2), deep_iterable(ge(0))])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"small": 0}, "TOO_SMALL"),
        ({"small": 10}, "TOO_LARGE"),
        ({"between": 0}, "TOO_SMALL"),
        ({"between": 1.1}, "TOO_LARGE"),
        ({"name": "a"}, "TOO_SHORT"),
        ({"name": "abcde"}, "TOO_LONG"),
        ({"name": "ab1"}, "WRONG_PATTERN"),
        ({"unit": "kg"}, "NOT_A_CHOICE"),
        ({"maybe": 4}, "TOO_SMALL"),
        ({"many": [1, 2, 3]}, "TOO_LONG"),
        ({"many": [-1]}, "TOO_SMALL"),
    ],
)
def test_a_limit_of_a_field_holds_and_is_in_its_schema(sent: dict[str, Any], code: str) -> None:
    assert faults(Limited, sent) == {next(iter(sent)): code}
    assert not Draft202012Validator(schema_of(Limited)).is_valid(sent)


def test_a_pattern_is_for_the_whole_text() -> None:
    assert faults(Limited, {"name": "ab\n"}) == {"name": "WRONG_PATTERN"}


@pytest.mark.parametrize(
    "sent", [{}, {"small": 9, "between": 1, "name": "abcd", "unit": "s", "maybe": None, "many": [0, 0]}]
)
def test_what_is_within_the_limits_is_taken(sent: dict[str, Any]) -> None:
    assert read(Limited, sent) == Limited(**sent)
    Draft202012Validator(schema_of(Limited)).validate(sent)


def test_a_violation_tells_the_limit() -> None:
    with pytest.raises(ValidationFailed) as refused:
        read(Limited, {"small": 10})
    assert refused.value.errors[0].meta == {"max": 10}


@attrs.frozen
class Outer:
    points: list[Point]
    named: dict[str, Point] = attrs.field(factory=dict)
    shape: Circle | Square | None = None


def test_every_fault_is_told_at_once_with_its_path() -> None:
    sent = {
        "points": [{"x": 1}, {"x": "1", "z": 1}, {}],
        "named": {"first": {"x": None}},
        "shape": {"kind": "circle", "radius": "1"},
        "other": 1,
    }
    assert faults(Outer, sent) == {
        "points[1].x": "WRONG_TYPE",
        "points[1].z": "UNKNOWN_FIELD",
        "points[2].x": "MISSING",
        "named.first.x": "WRONG_TYPE",
        "shape.radius": "WRONG_TYPE",
        "other": "UNKNOWN_FIELD",
    }


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["points", "x", "kind", "named"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_refused_and_nothing_else(value: Any) -> None:
    for type_ in (Outer, Limited, Tree, Box[int], Circle | Square):
        try:
            read(type_, value)
        except (ValidationFailed, MalformedRequest):
            continue


@attrs.frozen
class Search:
    limit: int = attrs.field(default=20, validator=[ge(1), le(100)])
    exact: bool = False
    price: Decimal | None = None
    since: datetime | None = None
    colour: Colour = Colour.RED
    level: Level | None = None
    tags: list[str] = attrs.field(factory=list)
    text: str = ""


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([], Search()),
        ([("limit", "007")], Search(limit=7)),
        ([("exact", "true")], Search(exact=True)),
        ([("exact", "0")], Search(exact=False)),
        ([("price", "1.50")], Search(price=Decimal("1.50"))),
        ([("since", "2026-01-31T12:00:00Z")], Search(since=MOMENT)),
        ([("colour", "blue"), ("level", "2")], Search(colour=Colour.BLUE, level=Level.HIGH)),
        ([("tags", "a"), ("tags", "b")], Search(tags=["a", "b"])),
        ([("text", "")], Search(text="")),
    ],
)
def test_a_query_is_read_from_text(query: list[tuple[str, str]], expected: Search) -> None:
    assert query_reader(Search)(MultiDict(query)) == expected


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("limit", "", "WRONG_TYPE"),
        ("limit", " 1", "WRONG_TYPE"),
        ("limit", "+1", "WRONG_TYPE"),
        ("limit", "1_0", "WRONG_TYPE"),
        ("limit", "1.0", "WRONG_TYPE"),
        ("limit", "١", "WRONG_TYPE"),
        ("limit", "9" * 30, "WRONG_TYPE"),
        ("limit", "101", "TOO_LARGE"),
        ("exact", "yes", "WRONG_TYPE"),
        ("exact", "True", "WRONG_TYPE"),
        ("price", "1e5", "WRONG_TYPE"),
        ("since", "2026", "WRONG_TYPE"),
        ("colour", "Red", "NOT_A_CHOICE"),
        ("level", "3", "NOT_A_CHOICE"),
        ("text", "\0", "INVALID_TEXT"),
        ("text", "\ud800", "INVALID_TEXT"),
        ("nothing", "", "UNKNOWN_FIELD"),
    ],
)
def test_a_query_refuses_what_is_not_meant(name: str, text: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        query_reader(Search)(MultiDict({name: text}))
    assert [(each.field_name, each.code) for each in refused.value.errors] == [(name, code)]


def test_a_parameter_that_is_no_list_is_given_once() -> None:
    with pytest.raises(ValidationFailed) as refused:
        query_reader(Search)(MultiDict([("limit", "1"), ("limit", "1")]))
    assert refused.value.errors[0].code == "DUPLICATE"


def test_what_is_wrong_beside_a_repeated_parameter_is_told_as_well() -> None:
    with pytest.raises(ValidationFailed) as refused:
        query_reader(Search)(MultiDict([("limit", "x"), ("limit", "1"), ("limit", "2"), ("what", "1")]))
    told = [(each.field_name, each.code) for each in refused.value.errors]
    assert told[0] == ("limit", "DUPLICATE")
    assert set(told[1:]) == {("limit", "WRONG_TYPE"), ("what", "UNKNOWN_FIELD")}


@pytest.mark.parametrize(
    ("query", "names"),
    [("a=%ff", ["a"]), ("%C3=1&b=%F0%9F%98%80&c=%c3%28", ["\ufffd", "c"]), ("a=%25ff&b=%C3%A9&c=%", [])],
)
def test_text_in_a_query_is_utf8(query: str, names: list[str]) -> None:
    assert [(each.field_name, each.code) for each in not_utf8(query)] == [(name, "NOT_UTF8") for name in names]


@attrs.frozen
class Headers:
    if_match: str | None = None
    x_attempt: int = attrs.field(default=1, validator=ge(1))


def test_headers_are_found_by_the_name_of_their_field() -> None:
    assert header_reader(Headers)(CIMultiDict({"if-match": '"1"', "X-Attempt": "2", "Other": "x"})) == Headers('"1"', 2)


def test_a_wrong_header_is_told_by_its_own_name() -> None:
    with pytest.raises(ValidationFailed) as refused:
        header_reader(Headers)(CIMultiDict({"X-Attempt": "0"}))
    assert [(each.field_name, each.code) for each in refused.value.errors] == [("X-Attempt", "TOO_SMALL")]


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [(int, "7", 7), (str, "a b", "a b"), (UUID, str(ID), ID), (Colour, "red", Colour.RED)],
)
def test_a_path_parameter_is_read_from_text(type_: Any, text: str, expected: Any) -> None:
    assert path_reader("name", type_)(text) == expected


def test_a_wrong_path_parameter_is_told_by_its_name() -> None:
    with pytest.raises(ValidationFailed) as refused:
        path_reader("post_id", int)("9" * 19)
    assert [(each.field_name, each.code) for each in refused.value.errors] == [("post_id", "WRONG_TYPE")]


class Unknown:
    """A class that the kit can't know."""


@attrs.frozen
class HoldsUnknown:
    value: Unknown


@attrs.frozen
class OwnCheck:
    value: int = attrs.field(validator=lambda instance, attribute, value: None)


@pytest.mark.parametrize(
    "type_",
    [Unknown, HoldsUnknown, OwnCheck, list[Unknown], dict[int, str], complex, bytes, Point | Circle, int | str, list],
)
def test_a_type_without_a_strict_reading_stops_the_start(type_: Any) -> None:
    with pytest.raises(MountError):
        body_decoder(type_)


@pytest.mark.parametrize(
    "type_", [Unknown, HoldsUnknown, list[Unknown], dict[int, str], complex, bytes, Point | Circle]
)
def test_a_type_without_a_schema_stops_the_start(type_: Any) -> None:
    with pytest.raises(MountError):
        schema_of(type_)
