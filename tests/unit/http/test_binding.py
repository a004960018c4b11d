"""From a request to a handler's arguments: typed, all faults at once."""

from typing import Any

import attrs
import pytest
from attrs.validators import ge

from app.entrypoints.http.access import Caller, public, requires
from app.entrypoints.http.definition import definition, response
from tests.unit.http.small_service import serving


@attrs.frozen
class Query:
    limit: int = attrs.field(default=20, validator=ge(1))
    tags: list[str] = attrs.field(factory=list)


@attrs.frozen
class Headers:
    x_attempt: int = 1


@attrs.frozen
class Body:
    name: str


class Handlers:
    @definition(path="/all/{number}", methods="POST", access=requires("write"), responses={"200": response(list[str])})
    async def everything(
        self, number: int, query: Query, headers: Headers, body: Body, request: Any, caller: Caller
    ) -> list[str]:
        return list(
            map(str, (number, query.limit, query.tags, headers.x_attempt, body.name, request.path, caller.subject))
        )

    @definition(path="/nothing", access=public, responses={"200": response(str)})
    async def nothing(self) -> str:
        return "called"


BEARER = {"Authorization": "Bearer write"}


async def test_every_argument_is_filled_with_its_type() -> None:
    async with serving(Handlers()) as client:
        answer = await client.post(
            "/all/7?limit=3&tags=a&tags=b", json={"name": "n"}, headers={**BEARER, "X-Attempt": "2"}
        )
        assert (await answer.json())["result"] == ["7", "3", "['a', 'b']", "2", "n", "/all/7", "somebody"]


async def test_what_is_left_out_has_its_default() -> None:
    async with serving(Handlers()) as client:
        answer = await client.post("/all/7", json={"name": "n"}, headers=BEARER)
        assert (await answer.json())["result"][1:4] == ["20", "[]", "1"]


async def test_the_faults_of_all_places_are_told_together() -> None:
    async with serving(Handlers()) as client:
        answer = await client.post(
            f"/all/{'9' * 19}?limit=0&x=1", json={"name": 1}, headers={**BEARER, "X-Attempt": "two"}
        )
        assert answer.status == 422
        errors = (await answer.json())["errors"]
        assert {error["field_name"] for error in errors} == {"number", "limit", "x", "X-Attempt", "name"}


@pytest.mark.parametrize(("query", "names"), [("?a=1&b=2", ["a", "b"]), ("?a", ["a"]), ("?a=1&a=2", ["a"])])
async def test_a_handler_without_a_query_takes_no_parameter(query: str, names: list[str]) -> None:
    async with serving(Handlers()) as client:
        answer = await client.get(f"/nothing{query}")
        assert [error["field_name"] for error in (await answer.json())["errors"]] == names


async def test_an_empty_query_is_none() -> None:
    async with serving(Handlers()) as client:
        assert (await client.get("/nothing?")).status == 200
