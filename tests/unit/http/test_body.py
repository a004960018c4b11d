"""Reading a body: its kind, its limit, its encoding."""

import gzip
from collections.abc import AsyncIterator

import pytest

from app.entrypoints.http.access import public
from app.entrypoints.http.body import BodyLimits
from app.entrypoints.http.definition import definition, response
from tests.unit.http.small_service import a_kit, an_app, serving

JSON = {"Content-Type": "application/json"}


class Lengths:
    @definition(path="/length", methods="POST", access=public, responses={"200": response(int)})
    async def length(self, body: list[int]) -> int:
        return len(body)


async def sent(data: object, headers: dict[str, str], limit: int = 100) -> tuple[int, str | None]:
    async with serving(Lengths(), kit=a_kit(body=BodyLimits(limit))) as client:
        answer = await client.post("/length", data=data, headers=headers)
        return answer.status, (await answer.json()).get("code")


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("application/json", None),
        ("Application/JSON", None),
        ("application/json;charset=UTF-8", None),
        ('application/json ; charset="utf8"', None),
        ("application/json; profile=x", None),
        ("application/json; charset=utf-16", "UNSUPPORTED_CHARSET"),
        ("application/json; charset=", "UNSUPPORTED_CHARSET"),
        ("text/json", "UNSUPPORTED_MEDIA_TYPE"),
        ("application/problem+json", "UNSUPPORTED_MEDIA_TYPE"),
        ("application/octet-stream", "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
async def test_only_json_in_utf8_is_read(content_type: str, code: str | None) -> None:
    assert await sent(b"[1]", {"Content-Type": content_type}) == ((415, code) if code else (200, None))


async def test_who_sends_another_kind_is_told_what_is_taken() -> None:
    async with serving(Lengths()) as client:
        answer = await client.post("/length", data=b"1", headers={"Content-Type": "text/plain"})
        assert answer.headers["Accept-Post"] == "application/json"


def of_size(count: int) -> bytes:
    return b"[" + b" " * (count - 2) + b"]"


async def in_chunks(body: bytes) -> AsyncIterator[bytes]:
    for place in range(0, len(body), 10):
        yield body[place : place + 10]


@pytest.mark.parametrize(("size", "status"), [(100, 200), (101, 413)])
async def test_the_limit_is_the_last_size_that_is_read(size: int, status: int) -> None:
    assert (await sent(of_size(size), JSON))[0] == status
    assert (await sent(in_chunks(of_size(size)), JSON))[0] == status
    assert (await sent(gzip.compress(of_size(size)), {**JSON, "Content-Encoding": "gzip"}))[0] == status


async def test_the_kit_s_limit_holds_where_the_application_takes_more() -> None:
    from aiohttp import web
    from aiohttp.test_utils import TestClient, TestServer

    from app.entrypoints.http.routing import setup_routes

    app = web.Application(client_max_size=2**20)
    setup_routes(app, a_kit(body=BodyLimits(100)), [Lengths()])
    async with TestClient(TestServer(app)) as client:
        assert (await client.post("/length", data=in_chunks(of_size(101)), headers=JSON)).status == 413


@pytest.mark.parametrize(
    "data", [b"nothing packed", gzip.compress(b"[1]", mtime=0)[:-12], b"\x1f\x8b\x08" + b"\xff" * 9]
)
async def test_a_body_in_a_broken_encoding_is_malformed(data: bytes) -> None:
    status, _ = await sent(data, {**JSON, "Content-Encoding": "gzip"})
    assert status == 400


async def test_a_route_without_a_body_ignores_one() -> None:
    class Deaf:
        @definition(path="/deaf", methods="POST", access=public, responses={"200": response(str)})
        async def deaf(self) -> str:
            return "what?"

    assert an_app(Deaf())
    async with serving(Deaf()) as client:
        assert (await client.post("/deaf", data=b"\xff", headers={"Content-Type": "any/thing"})).status == 200
