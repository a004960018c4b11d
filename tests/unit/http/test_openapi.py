"""The document of a small service, part by part, and as a whole by the specification's own validator."""

import json
from typing import Any, Literal

import attrs
import pytest
from attrs.validators import ge
from openapi_spec_validator import validate

from app.entrypoints.http.access import public, requires
from app.entrypoints.http.definition import (
    definition,
    response,
    response_empty,
    response_error,
    response_pagination,
    response_raw,
)
from app.entrypoints.http.openapi import ApiInfo, build_openapi
from app.entrypoints.http.routing import OPERATIONS
from app.entrypoints.http.shared_parts import FOR_EVERY_OPERATION
from app.entrypoints.http.signature import MountError
from tests.unit.http.small_service import an_app


@attrs.frozen
class Cat:
    name: str
    kind: Literal["cat"] = "cat"


@attrs.frozen
class Dog:
    age: int
    kind: Literal["dog"] = "dog"


@attrs.frozen
class Search:
    text: str
    limit: int = attrs.field(default=20, validator=ge(1), metadata={"description": "How many"})
    title: str | None = None


@attrs.frozen
class Headers:
    if_match: str | None = None


class Animals:
    @definition(
        path="/animals",
        access=public,
        tags=["animals"],
        responses={"200": response_pagination(Cat | Dog, "A page", headers={"Link": "The others"})},
    )
    async def list_animals(self, query: Search) -> object:
        """List animals.

        All of them, in the end.
        """

    @definition(
        path="/animals/{number}",
        methods="PUT",
        access=requires("b", "a"),
        summary="Replace",
        description="Whole.",
        operation_id="replace",
        deprecated=True,
        responses={"200": response(Cat | None, example={"name": "Tom"}), "409": response_error("Taken")},
        body_example={"name": "Tom"},
    )
    async def put(self, number: int, headers: Headers, body: Cat | Dog) -> object: ...

    @definition(path="/animals/{name}", methods="DELETE", access=requires(), responses={"204": response_empty("Gone")})
    async def remove(self, name: str) -> None: ...

    @definition(path="/file", access=public, responses={"200": response_raw("text/csv", "A table")})
    async def file(self) -> object: ...


def document(*handlers: object, **info: Any) -> dict[str, Any]:
    operations = an_app(*handlers)[OPERATIONS]
    made = build_openapi(operations, ApiInfo("Animals", "1.2.3", **info))
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found


@pytest.fixture(scope="module")
def paths() -> Any:
    return document(Animals())["paths"]


def test_the_document_is_valid() -> None:
    validate(document(Animals()))


def test_it_says_whose_it_is() -> None:
    found = document(Animals(), description="All of them", servers=["https://a.example", "/v2"])
    assert found["info"] == {
        "title": "Animals",
        "version": "1.2.3",
        "description": f"All of them\n\n{FOR_EVERY_OPERATION}",
    }
    assert found["servers"] == [{"url": "https://a.example"}, {"url": "/v2"}]
    assert "servers" not in document(Animals())


def test_the_docstring_is_summary_and_description(paths: Any) -> None:
    found = paths["/animals"]["get"]
    assert (found["summary"], found["description"]) == ("List animals", "All of them, in the end.")
    assert (found["operationId"], found["tags"]) == ("list_animals", ["animals"])
    assert "deprecated" not in found


def test_what_is_declared_goes_before_the_docstring(paths: Any) -> None:
    found = paths["/animals/{number}"]["put"]
    assert (found["summary"], found["description"], found["operationId"]) == ("Replace", "Whole.", "replace")
    assert found["deprecated"] is True


def test_parameters_are_described_where_they_stand(paths: Any) -> None:
    parameters = {each["name"]: each for each in paths["/animals"]["get"]["parameters"]}
    assert {name: (each["in"], each["required"]) for name, each in parameters.items()} == {
        "text": ("query", True), "limit": ("query", False), "title": ("query", False)
    }  # fmt: skip
    assert parameters["limit"]["description"] == "How many"
    assert (parameters["limit"]["schema"]["minimum"], parameters["limit"]["schema"]["default"]) == (1, 20)


def test_a_parameter_is_never_null(paths: Any) -> None:
    kinds = {each["name"]: each["schema"].get("type") for each in paths["/animals"]["get"]["parameters"]}
    assert kinds == {"text": "string", "limit": "integer", "title": "string"}


def test_a_header_is_called_as_it_is_sent(paths: Any) -> None:
    number, header = paths["/animals/{number}"]["put"]["parameters"]
    assert (number["name"], number["in"], number["required"], number["schema"]["minimum"]) == (
        "number",
        "path",
        True,
        0,
    )
    assert (header["name"], header["in"], header["required"]) == ("If-Match", "header", False)


def test_a_body_is_described_with_its_example(paths: Any) -> None:
    body = paths["/animals/{number}"]["put"]["requestBody"]
    media = body["content"]["application/json"]
    assert (body["required"], media["example"]) == (True, {"name": "Tom"})
    assert media["schema"]["discriminator"]["propertyName"] == "kind"
    assert "requestBody" not in paths["/animals"]["get"]


def test_a_result_stands_in_the_envelope(paths: Any) -> None:
    media = paths["/animals/{number}"]["put"]["responses"]["200"]["content"]["application/json"]
    assert media["example"] == {"success": True, "result": {"name": "Tom"}}
    assert media["schema"]["required"] == ["success", "result"]
    assert media["schema"]["properties"]["result"] == {
        "anyOf": [{"$ref": "#/components/schemas/Cat"}, {"type": "null"}]
    }


def test_a_page_stands_in_the_envelope_of_pages(paths: Any) -> None:
    answer = paths["/animals"]["get"]["responses"]["200"]
    schema = answer["content"]["application/json"]["schema"]
    assert set(schema["properties"]) == {"success", "result", "pagination"}
    assert [set(each) for each in schema["properties"]["result"]["items"]["oneOf"]] == [{"$ref", "required"}] * 2
    assert set(answer["headers"]) == {"X-Request-ID", "Link"}


def names(found: Any) -> dict[str, set[str]]:
    """The headers of each answer."""
    return {status: set(answer["headers"]) for status, answer in found["responses"].items()}


def test_an_answer_has_the_headers_that_it_can_have(paths: Any) -> None:
    assert names(paths["/animals"]["get"]) == {
        "200": {"X-Request-ID", "Link"},
        "422": {"X-Request-ID"},
        "503": {"X-Request-ID", "Retry-After"},
        "4XX": {"X-Request-ID"},
        "5XX": {"X-Request-ID", "Retry-After"},
    }


def test_where_callers_are_counted_they_are_told_of_what_is_left() -> None:
    counted = {"X-Request-ID", "RateLimit", "RateLimit-Policy"}
    found = names(document(Animals(), metered=True)["paths"]["/animals/{number}"]["put"])
    assert (found["200"], found["409"]) == (counted, {"X-Request-ID"})
    assert found["429"] == found["4XX"] == counted | {"Retry-After"}
    assert found["503"] == found["5XX"] == {"X-Request-ID", "Retry-After"}


def test_headers_that_many_have_are_described_once() -> None:
    found = document(Animals(), metered=True)
    for answer in found["paths"]["/animals"]["get"]["responses"].values():
        assert answer["headers"]["X-Request-ID"] == {"$ref": "#/components/headers/RequestId"}
    assert set(found["components"]["headers"]) == {"RequestId", "RateLimit", "RateLimitPolicy", "RetryAfter"}
    assert set(document(Animals())["components"]["headers"]) == {"RequestId", "RetryAfter"}
    validate(found)


def test_the_time_that_a_caller_gives_is_told_of_all_operations() -> None:
    found = document(Animals())
    assert set(found["components"]["parameters"]) == {"RequestTimeout"}
    assert "`X-Request-Timeout`" in found["info"]["description"]


def test_errors_come_as_the_envelope_and_as_problem_details(paths: Any) -> None:
    responses = paths["/animals/{number}"]["put"]["responses"]
    for key in ("409", "4XX", "5XX"):
        assert set(responses[key]["content"]) == {"application/json", "application/problem+json"}


def statuses(paths: Any) -> dict[str, list[str]]:
    return {
        f"{method} {path}": list(operation["responses"])
        for path, operations in paths.items()
        for method, operation in operations.items()
    }


def test_what_the_kit_itself_may_answer_is_told_beside_the_wildcards(paths: Any) -> None:
    assert statuses(paths) == {
        "get /animals": ["200", "422", "503", "4XX", "5XX"],
        "put /animals/{number}": [
            "200", "400", "401", "403", "404", "409", "413", "415", "422", "503", "4XX", "5XX",
        ],
        "delete /animals/{name}": ["204", "401", "404", "503", "4XX", "5XX"],
        "get /file": ["200", "503", "4XX", "5XX"],
    }  # fmt: skip
    assert paths["/animals/{number}"]["put"]["responses"]["409"]["description"] == "Taken"
    assert "WWW-Authenticate" in paths["/animals/{name}"]["delete"]["responses"]["401"]["headers"]


def test_an_error_of_the_kit_shows_its_own_code(paths: Any) -> None:
    answers = paths["/animals/{number}"]["put"]["responses"]
    shown = {
        status: answer["content"]["application/json"]["example"]["code"]
        for status, answer in answers.items()
        if "example" in answer["content"]["application/json"] and status > "4"
    }
    assert shown == {
        "401": "UNAUTHORIZED", "403": "FORBIDDEN", "404": "NOT_FOUND", "413": "BODY_TOO_LARGE",
        "415": "UNSUPPORTED_MEDIA_TYPE", "503": "OVERLOADED",
    }  # fmt: skip


def test_who_is_counted_may_be_told_to_wait() -> None:
    found = statuses(document(Animals(), metered=True)["paths"])
    assert [name for name, answers in found.items() if "429" not in answers] == []


def test_a_name_in_the_path_is_described() -> None:
    class Told:
        @definition(path="/{a}/{b}", access=public, parameters={"a": "The first"}, responses={"200": response(str)})
        async def get(self, a: int, b: str) -> object: ...

    first, second = document(Told())["paths"]["/{a}/{b}"]["get"]["parameters"]
    assert (first["description"], "description" in second) == ("The first", False)


def test_where_a_token_comes_from_is_told() -> None:
    found = document(Animals(), authentication="Ask Tom.")["components"]["securitySchemes"]["bearer"]
    assert found["description"] == "Ask Tom."
    assert "description" not in document(Animals())["components"]["securitySchemes"]["bearer"]


def test_an_example_of_a_page_is_one_of_its_items() -> None:
    class Listed:
        @definition(path="/", access=public, responses={"200": response_pagination(str, example="one")})
        async def get(self) -> object: ...

    media = document(Listed())["paths"]["/"]["get"]["responses"]["200"]["content"]["application/json"]
    assert (media["example"]["result"], media["example"]["pagination"]["total"]) == (["one"], 1)


def test_nothing_has_no_content_and_a_file_its_own(paths: Any) -> None:
    assert "content" not in paths["/animals/{name}"]["delete"]["responses"]["204"]
    assert list(paths["/file"]["get"]["responses"]["200"]["content"]) == ["text/csv"]


def test_who_may_call_is_told(paths: Any) -> None:
    assert paths["/animals/{number}"]["put"]["security"] == [{"bearer": ["a", "b"]}]
    assert paths["/animals/{name}"]["delete"]["security"] == [{"bearer": []}]
    assert "security" not in paths["/animals"]["get"]


@pytest.mark.parametrize("view", [complex, list[complex], Cat | int, dict[int, str]])
def test_a_view_without_a_schema_stops_the_start_and_is_told_by_its_route(view: Any) -> None:
    class Odd:
        @definition(path="/odd", access=public, responses={"200": response(view)})
        async def odd(self) -> object: ...

    with pytest.raises(MountError, match="/odd"):
        document(Odd())


def test_two_classes_of_one_name_stop_the_start() -> None:
    other = attrs.make_class("Cat", {"lives": attrs.field(type=int)})

    class More:
        @definition(path="/more", access=public, responses={"200": response(other)})
        async def more(self) -> object: ...

    with pytest.raises(MountError, match=r"/more: .* would both be the component Cat"):
        document(Animals(), More())
