"""The wire format, byte by byte and by its own schemas."""

from typing import Any

import attrs
import msgspec
import pytest
from jsonschema import Draft202012Validator

from app.entrypoints.http.envelope import encode_error, encode_problem, page_encoder, result_encoder
from app.entrypoints.http.errors import HttpError, MalformedRequest, ValidationFailed, Violation, not_found
from app.entrypoints.http.wire_schemas import ERROR, PAGINATION, PROBLEM


@attrs.frozen
class Item:
    id: int


@attrs.frozen
class Listed:
    items: list[Item]
    limit: int
    offset: int | None = None
    total: int | None = None
    next_cursor: str | None = None


def test_a_result_stands_in_its_envelope() -> None:
    assert result_encoder(Item)(Item(1)) == b'{"success":true,"result":{"id":1}}'


def test_a_page_stands_beside_where_it_is_from() -> None:
    encoded = page_encoder(Item)(Listed([Item(1)], 2, 0, 3, "next"))
    assert encoded == (
        b'{"success":true,"result":[{"id":1}],"pagination":{"limit":2,"offset":0,"total":3,"next_cursor":"next"}}'
    )


@pytest.mark.parametrize("page", [Listed([], 1), Listed([], 1, 0, 0, "c")])
def test_a_page_is_as_its_schema_says(page: Listed) -> None:
    Draft202012Validator(PAGINATION).validate(msgspec.json.decode(page_encoder(Item)(page))["pagination"])


def test_an_error_that_names_no_fields_names_itself() -> None:
    assert msgspec.json.decode(encode_error(HttpError(418, "TEAPOT", "Take tea."), "id-1")) == {
        "success": False,
        "code": "TEAPOT",
        "message": "Take tea.",
        "errors": [{"code": "TEAPOT", "message": "Take tea."}],
        "meta": {"request_id": "id-1"},
    }


def test_a_violation_tells_what_it_has_to_tell() -> None:
    error = ValidationFailed([Violation("A", "a"), Violation("B", "b", "x[0].y", {"min": 1})])
    assert msgspec.json.decode(encode_error(error, ""))["errors"] == [
        {"code": "A", "message": "a"},
        {"code": "B", "message": "b", "field_name": "x[0].y", "meta": {"min": 1}},
    ]


def test_problem_details_have_the_members_of_their_rfc() -> None:
    problem = msgspec.json.decode(encode_problem(not_found(), "id-1"))
    assert {name: problem[name] for name in ("type", "title", "status", "detail", "code", "request_id")} == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this path.",
        "code": "NOT_FOUND",
        "request_id": "id-1",
    }


ERRORS = [
    not_found(),
    HttpError(503, "AWAY", "Later.", headers={"Retry-After": "1"}),
    MalformedRequest("EMPTY_BODY", "Send a body.", field_name="body"),
    ValidationFailed([Violation("A", "a", "f", {"choices": ["x", 1]}), Violation("B", "b")]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
@pytest.mark.parametrize(("encode", "schema"), [(encode_error, ERROR), (encode_problem, PROBLEM)])
def test_an_error_is_as_its_schema_says(error: HttpError, encode: Any, schema: dict[str, Any]) -> None:
    Draft202012Validator(schema).validate(msgspec.json.decode(encode(error, "id-1")))
