"""What only the server can do: limits of a connection, and answers to what never reaches a route."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import http_parser, web

from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response
from app.entrypoints.http.server import EnvelopeRunner, ServerError, ServerLimits, require_c_parser
from tests.unit.http.small_service import an_app


class Handlers:
    @definition(path="/ok", access=public, responses={"200": response(str)})
    async def ok(self) -> str:
        return "ok"


@asynccontextmanager
async def served(app: web.Application | None = None, **limits: Any) -> AsyncIterator[int]:
    runner = EnvelopeRunner(app or an_app(Handlers()), ServerLimits(shutdown_timeout=1, **limits))
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def answer_to(port: int, sent: bytes) -> bytes:
    """All that comes until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


def envelope(answer: bytes) -> tuple[int, str, str]:
    """Status, code and the request's id, which stands in the head and in the body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    found = json.loads(body)
    assert f"X-Request-ID: {found['meta']['request_id']}".encode() in head
    return int(head[9:12]), found["code"], found["meta"]["request_id"]


async def test_what_is_no_http_is_answered_in_the_envelope_and_hung_up_on() -> None:
    async with served() as port:
        first = envelope(await answer_to(port, b"GARBAGE\r\n\r\n"))
        other = envelope(await answer_to(port, b"GARBAGE\r\n\r\n"))
    assert first[:2] == (400, "BAD_REQUEST")
    assert first[2] != other[2]


def get(headers: bytes = b"", path: bytes = b"/ok") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + headers + b"\r\n"


@pytest.mark.parametrize(
    ("limits", "within", "beyond", "answer"),
    [
        (
            {"line": 200},
            get(path=b"/ok#" + b"a" * 100),
            get(path=b"/ok#" + b"a" * 300),
            (414, "URI_TOO_LONG"),
        ),
        (
            {"header": 200},
            get(b"A: " + b"a" * 100 + b"\r\n"),
            get(b"A: " + b"a" * 300 + b"\r\n"),
            (431, "HEADERS_TOO_LARGE"),
        ),
        ({"headers": 10}, get(b"A: b\r\n" * 5), get(b"A: b\r\n" * 20), (431, "HEADERS_TOO_LARGE")),
    ],
    ids=["line", "header", "headers"],
)
async def test_a_connection_has_its_limits(
    limits: dict[str, Any], within: bytes, beyond: bytes, answer: tuple[int, str]
) -> None:
    async with served(**limits) as port:
        assert (await answer_to(port, within)).startswith(b"HTTP/1.1 200")
        assert envelope(await answer_to(port, beyond))[:2] == answer


@pytest.mark.parametrize("limit", [300, 8190])
async def test_equal_limits_are_told_apart(limit: int) -> None:
    long = b"a" * (limit + 10)
    async with served(line=limit, header=limit) as port:
        assert envelope(await answer_to(port, get(path=b"/" + long)))[0] == 414
        assert envelope(await answer_to(port, get(b"A: " + long + b"\r\n")))[0] == 431
        assert envelope(await answer_to(port, get(long + b": a\r\n")))[0] == 431


@pytest.mark.parametrize("sent", [b"", b"GET /ok HTT", b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"])
async def test_who_is_silent_is_hung_up_on(sent: bytes) -> None:
    async with served(keepalive_timeout=0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        await asyncio.wait_for(reader.read(), 5)
        writer.close()


@pytest.mark.parametrize("target", [b"CONNECT a:1", b"GET http://["])
async def test_what_has_no_path_is_answered_in_the_envelope(target: bytes) -> None:
    async with served() as port:
        status, _, _ = envelope(await answer_to(port, target + b" HTTP/1.1\r\nHost: a\r\n\r\n"))
        assert status in (400, 404)


async def test_a_failure_outside_of_any_route_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    @web.middleware
    async def broken(request: web.Request, handler: object) -> web.StreamResponse:
        raise ZeroDivisionError("password=hunter2")

    app = web.Application(middlewares=[broken])
    with caplog.at_level(logging.ERROR):
        async with served(app) as port:
            answer = await answer_to(port, get())
    assert envelope(answer)[:2] == (500, "INTERNAL_SERVER_ERROR")
    assert b"hunter2" not in answer
    assert "hunter2" in caplog.text


async def test_an_answer_that_fails_on_its_way_is_cut_off_and_not_followed_by_another() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"half")
        raise ZeroDivisionError

    app = web.Application()
    app.router.add_get("/ok", half)
    async with served(app) as port:
        answer = await answer_to(port, get())
    assert answer.count(b"HTTP/1.1") == 1
    assert b"success" not in answer


def test_without_the_c_parser_nothing_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    require_c_parser()
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(ServerError, match="Install aiohttp with its C extensions"):
        EnvelopeRunner(web.Application(), ServerLimits())
