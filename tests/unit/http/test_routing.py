"""Mounting: what is served where, and what cannot be served stops the start, by name."""

import inspect
from typing import Any

import attrs
import pytest
from aiohttp import web

from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response, response_error, response_raw
from app.entrypoints.http.routing import OPERATIONS
from app.entrypoints.http.signature import MountError
from tests.unit.http.small_service import an_app, serving

TEXT = {"200": response(str)}


@attrs.frozen
class Strange:
    value: complex


class Notes:
    @definition(path="/notes/{note_id}", access=public, responses=TEXT)
    async def get_note(self, note_id: int) -> str:
        return f"note {note_id}"

    @definition(path="/names/{name}", access=public, responses=TEXT)
    async def get_name(self, name: str) -> str:
        return name

    @definition(path="/both", methods=["GET", "POST"], access=public, responses=TEXT)
    async def both(self) -> str:
        return "both"

    @definition(path="/gone", access=public, responses=TEXT, disabled=True)
    async def gone(self) -> str:
        return "gone"

    async def undeclared(self) -> str:
        return "undeclared"


class MoreNotes(Notes):
    @definition(path="/more", access=public, responses=TEXT)
    async def more(self) -> str:
        return "more"


def operations(*handlers: object) -> list[tuple[str, str, str]]:
    return [(each.method, each.path, each.operation_id) for each in an_app(*handlers, base_path="/v1")[OPERATIONS]]


def test_operations_stand_in_the_order_of_the_source_below_the_base_path() -> None:
    assert operations(MoreNotes()) == [
        ("GET", "/v1/notes/{note_id}", "get_note"),
        ("GET", "/v1/names/{name}", "get_name"),
        ("GET", "/v1/both", "get_both"),
        ("POST", "/v1/both", "post_both"),
        ("GET", "/v1/more", "more"),
    ]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/notes/7", 200),
        ("HEAD", "/notes/7", 200),
        ("POST", "/both", 200),
        ("GET", "/notes/٧", 404),
        ("GET", "/notes/-1", 404),
        ("GET", "/notes/" + "9" * 19, 422),
        ("GET", "/notes/" + "9" * 20, 404),
        ("GET", "/names/any%20thing", 200),
        ("GET", "/names/a%2Fb", 200),
        ("GET", "/names/a/b", 404),
        ("GET", "/gone", 404),
        ("GET", "/undeclared", 404),
        ("HEAD", "/nowhere", 404),
    ],
)
async def test_what_is_mounted_is_served(method: str, path: str, status: int) -> None:
    async with serving(Notes()) as client:
        assert (await client.request(method, path)).status == status


def handlers(**options: Any) -> object:
    """A group with one handler that is declared with these options."""

    declared: dict[str, Any] = {"path": "/it", "access": public, "responses": TEXT} | options

    class Group:
        @definition(**declared)
        async def it(self) -> str:
            return ""

    return Group()


def taking(type_: Any, argument: str) -> object:
    """A group with one handler whose argument of this name has this type."""

    async def it(self: object, **_: Any) -> str:
        return ""

    it.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # as inspect documents it
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", argument)]
    )
    it.__annotations__ = {argument: type_}
    path = "/it/{value}" if argument == "value" else "/it"
    return type("Group", (), {"it": definition(path=path, access=public, responses=TEXT)(it)})()


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (handlers(access=None), "GET /it: say who may call it"),
        (handlers(responses={"4xx": response_error()}), "GET /it: declare exactly one 2xx response, not 0"),
        (
            handlers(responses={"200": response(str), "201": response(str)}),
            "GET /it: declare exactly one 2xx response, not 2",
        ),
        (handlers(methods=["GET", "get"]), "GET /it is declared twice"),
        (taking(Strange, "body"), "GET /it: "),
        (taking(int, "query"), "GET /it: <class 'int'> is no attrs class"),
        (taking(Strange, "headers"), "GET /it: "),
        (taking(complex, "value"), "GET /it/{value}: <class 'complex'> has no strict reading"),
    ],
)
def test_what_cannot_be_served_as_declared_stops_the_start(group: object, message: str) -> None:
    with pytest.raises(MountError) as refused:
        an_app(group)
    assert message in str(refused.value)


def test_a_route_is_mounted_once() -> None:
    with pytest.raises(MountError, match="GET /it is declared twice"):
        an_app(handlers(), handlers(operation_id="other"))


def test_an_operation_id_is_given_once() -> None:
    with pytest.raises(MountError, match="Two operations are called it"):
        an_app(handlers(), handlers(path="/other"))
    assert len(an_app(handlers(), handlers(path="/other", operation_id="other"))[OPERATIONS]) == 2


class Raw:
    @definition(path="/raw", access=public, responses={"200": response_raw("text/plain")})
    async def raw(self) -> web.Response:
        return web.Response(text="raw")

    @definition(path="/text", access=public, responses=TEXT)
    async def text(self) -> str:
        return "text"


async def test_only_a_raw_route_without_a_query_of_its_own_takes_any() -> None:
    async with serving(Raw()) as client:
        assert (await client.get("/raw?v=1")).status == 200
        assert (await client.get("/text?v=1")).status == 422
