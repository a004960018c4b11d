"""The signature is the contract: what is read from it, and what nothing can fill."""

from typing import Any

import attrs
import pytest

from app.entrypoints.http.access import Caller, public
from app.entrypoints.http.definition import Definition, response
from app.entrypoints.http.signature import MountError, Signature, read_signature


@attrs.frozen
class Query:
    limit: int = 1


def at(path: str) -> Definition:
    return Definition(path, ("GET",), {"200": response(str)}, public)


async def everything(
    a_id: int, name: str, query: Query, headers: "Query", body: list[int], request: Any, caller: Caller
) -> None: ...


def test_every_argument_finds_its_place() -> None:
    assert read_signature(everything, at("/{a_id}/x/{name}")) == Signature(
        path={"a_id": int, "name": str}, query=Query, headers=Query, body=list[int],
        takes_request=True, takes_caller=True,
    )  # fmt: skip


def test_a_handler_may_take_nothing() -> None:
    async def handler() -> None: ...

    assert read_signature(handler, at("/")) == Signature(path={})


def test_a_method_s_self_is_no_argument() -> None:
    class Handlers:
        async def get(self, name: str) -> None: ...

    assert read_signature(Handlers().get, at("/{name}")).path == {"name": str}


def test_a_request_needs_no_type() -> None:
    async def handler(request) -> None: ...  # type: ignore[no-untyped-def]  # what is tested

    assert read_signature(handler, at("/")).takes_request


async def unknown(name: str) -> None: ...


async def untyped(query) -> None: ...  # type: ignore[no-untyped-def]  # what is tested


async def forgetful() -> None: ...


async def variadic(*arguments: int) -> None: ...


@pytest.mark.parametrize(
    ("handler", "path", "message"),
    [
        (unknown, "/{other}", "unknown: `name` is none of query, headers, body, request, caller, nor in /{other}"),
        (untyped, "/", "untyped: give `query` a type"),
        (forgetful, "/{post_id}", "forgetful: /{post_id} has {post_id}, the handler doesn't take it"),
        (variadic, "/", "variadic: `arguments` is none of"),
    ],
)
def test_an_argument_that_nothing_fills_stops_the_start(handler: Any, path: str, message: str) -> None:
    with pytest.raises(MountError) as refused:
        read_signature(handler, at(path))
    assert message in str(refused.value)
