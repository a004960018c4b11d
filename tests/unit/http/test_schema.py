"""JSON Schemas of types: what stands in them beside what test_converters.py compares with the readers."""

import enum
from typing import Any, Generic, Literal, TypeVar

import attrs
import pytest
from attrs.validators import ge, in_, max_len, optional

from app.entrypoints.http.schema import INT64, Schemas, component_name
from app.entrypoints.http.signature import MountError

T = TypeVar("T")
U = TypeVar("U")


class Colour(enum.Enum):
    """What can be seen."""

    RED = "red"


@attrs.frozen
class Note:
    """A few words."""

    text: str = attrs.field(validator=max_len(10), metadata={"description": "The words", "examples": ["Hi"]})
    colour: Colour = Colour.RED
    tags: list[str] = attrs.field(factory=list)
    parent: "Note | None" = None
    rank: int | None = attrs.field(default=None, validator=optional(ge(1)))
    size: str = attrs.field(default="m", validator=in_(["s", "m"]))


@attrs.frozen
class Pair(Generic[T, U]):
    one: T
    other: U


@attrs.frozen
class Circle:
    radius: float
    kind: Literal["circle"] = "circle"


@attrs.frozen
class Square:
    side: float
    kind: Literal["square"] = "square"


def described(type_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of a type, and the components that it needs."""
    components: dict[str, Any] = {}
    return Schemas(components.__setitem__).of(type_), components


def test_a_class_is_a_component_with_its_fields() -> None:
    schema, components = described(Note)
    assert schema == {"$ref": "#/components/schemas/Note"}
    note = components["Note"]
    assert (note["description"], note["required"], note["additionalProperties"]) == ("A few words.", ["text"], False)
    assert note["properties"] == {
        "text": {
            "type": "string",
            "pattern": "^[^\\u0000]*$",
            "maxLength": 10,
            "description": "The words",
            "examples": ["Hi"],
        },
        "colour": {"$ref": "#/components/schemas/Colour", "default": "red"},
        "tags": {"type": "array", "items": {"type": "string", "pattern": "^[^\\u0000]*$"}, "default": []},
        "parent": {"anyOf": [{"$ref": "#/components/schemas/Note"}, {"type": "null"}]},
        "rank": {**INT64, "type": ["integer", "null"], "minimum": 1},
        "size": {"type": "string", "pattern": "^[^\\u0000]*$", "enum": ["s", "m"], "default": "m"},
    }


def test_an_enumeration_is_a_component() -> None:
    assert described(Colour)[1]["Colour"] == {"enum": ["red"], "type": "string", "description": "What can be seen."}


def test_a_class_is_described_once() -> None:
    calls: list[str] = []
    schemas = Schemas(lambda name, schema: calls.append(name))
    for _ in range(2):
        schemas.of(list[Note])
    assert sorted(calls) == ["Colour", "Note"]


def test_two_classes_of_one_name_stop_the_start() -> None:
    other = attrs.make_class("Note", {"x": attrs.field(type=int)})
    schemas = Schemas(lambda name, schema: None)
    schemas.of(Note)
    with pytest.raises(MountError, match="would both be the component Note: rename one"):
        schemas.of(other)


@pytest.mark.parametrize(
    ("type_", "name"),
    [(Note, "Note"), (Pair[int, str], "PairOfintAndstr"), (Pair[Pair[int, int], Note], "PairOfPairOfintAndintAndNote")],
)
def test_a_generic_class_is_named_after_its_arguments(type_: Any, name: str) -> None:
    assert component_name(type_) == name


def test_each_use_of_a_generic_class_is_a_component_of_its_own() -> None:
    _, components = described(tuple[Pair[int, str], Pair[str, int]])
    assert set(components) == {"PairOfintAndstr", "PairOfstrAndint"}
    assert components["PairOfintAndstr"]["properties"]["one"] == INT64


def test_classes_told_apart_by_a_tag_must_send_it() -> None:
    schema, _ = described(Circle | Square)
    assert schema["discriminator"] == {
        "propertyName": "kind",
        "mapping": {"circle": "#/components/schemas/Circle", "square": "#/components/schemas/Square"},
    }
    assert [each["required"] for each in schema["oneOf"]] == [["kind"], ["kind"]]


def test_a_class_without_a_docstring_has_no_description() -> None:
    assert "description" not in described(Circle)[1]["Circle"]
