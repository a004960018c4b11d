"""What `@definition` makes of what is declared."""

from typing import Any

import pytest

from app.entrypoints.http.access import public
from app.entrypoints.http.definition import (
    Definition,
    definition,
    definition_of,
    response,
    response_empty,
    response_error,
    response_pagination,
    response_raw,
)


def declared(**options: Any) -> Definition:
    async def handler() -> str:
        """Do it."""
        return ""

    found = definition_of(definition(**({"path": "/it", "responses": {"200": response(str)}} | options))(handler))
    assert found is not None
    return found


def test_every_route_has_error_responses() -> None:
    responses = declared().responses
    assert list(responses) == ["200", "4xx", "5xx"]
    assert {responses[key].kind for key in ("4xx", "5xx")} == {"error"}


def test_error_responses_of_its_own_are_kept() -> None:
    own = response_error("Not with me")
    assert declared(responses={"200": response(str), "4xx": own}).responses["4xx"] is own


def test_what_is_passed_in_is_not_changed() -> None:
    responses = {"200": response(str)}
    declared(responses=responses)
    assert list(responses) == ["200"]


@pytest.mark.parametrize(
    ("methods", "expected"), [("get", ("GET",)), (["get", "Post"], ("GET", "POST")), (("PUT",), ("PUT",))]
)
def test_methods_are_one_or_several_in_any_case(methods: Any, expected: tuple[str, ...]) -> None:
    assert declared(methods=methods).methods == expected


def test_a_route_is_a_get_that_nobody_may_call_unless_it_says_more() -> None:
    found = declared()
    assert (found.methods, found.access, found.deprecated, found.disabled) == (("GET",), None, False, False)


def test_the_docstring_describes_a_route_that_is_not_described() -> None:
    assert declared().description == "Do it."
    assert declared(description="Do something else.").description == "Do something else."


def test_a_word_that_says_nothing_is_an_error() -> None:
    with pytest.raises(TypeError, match="sumary"):
        declared(sumary="It")


def test_two_handlers_below_one_definition_keep_their_own_docstrings() -> None:
    declare = definition("/it", {"200": response(str)}, access=public)

    async def one() -> str:
        """One."""
        return ""

    async def other() -> str:
        """Other."""
        return ""

    descriptions = [found.description for each in (one, other) if (found := definition_of(declare(each)))]
    assert descriptions == ["One.", "Other."]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (response(str), "result"),
        (response_pagination(str), "pagination"),
        (response_error(), "error"),
        (response_empty(), "empty"),
        (response_raw("text/csv"), "raw"),
    ],
)
def test_every_response_is_of_its_kind(answer: Any, kind: str) -> None:
    assert answer.kind == kind


@pytest.mark.parametrize("other", [None, "text", lambda: None, type("Odd", (), {"__definition__": "odd"})])
def test_what_is_not_declared_has_no_definition(other: object) -> None:
    assert definition_of(other) is None
