"""The bytes of an answer that is encoded already."""

import asyncio

import pytest
from aiohttp import web

from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response_raw
from app.entrypoints.http.response import EncodedResponse, header_line
from tests.e2e.service import serving
from tests.unit.http.small_service import an_app

RAW = {"200": response_raw("text/plain")}


class Handlers:
    @definition(path="/ok", access=public, responses=RAW)
    async def ok(self) -> web.StreamResponse:
        return EncodedResponse(200, b"hello", "text/plain", header_line("X-A", "b"))

    @definition(path="/empty", access=public, responses=RAW)
    async def empty(self) -> web.StreamResponse:
        return EncodedResponse(204, b"")

    @definition(path="/same", access=public, responses=RAW)
    async def same(self) -> web.StreamResponse:
        return EncodedResponse(304, b"never sent")

    @definition(path="/last", access=public, responses=RAW)
    async def last(self) -> web.StreamResponse:
        answer = EncodedResponse(200, b"bye", "text/plain")
        answer.force_close()
        return answer

    @definition(path="/twice", access=public, responses=RAW)
    async def twice(self, request: web.Request) -> web.StreamResponse:
        answer = EncodedResponse(200, b"once", "text/plain")
        await answer.prepare(request)
        return answer


async def answers(*requests: bytes) -> list[tuple[bytes, list[bytes], bytes]]:
    """Status line, headers and body of each answer on one connection, which is closed after the last one."""
    async with serving(an_app(Handlers())) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        found = []
        try:
            for request in requests:
                writer.write(request)
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                first, *headers = head[:-4].split(b"\r\n")
                length = next((int(each[16:]) for each in headers if each.startswith(b"Content-Length: ")), 0)
                body = b"" if request.startswith(b"HEAD") else await reader.readexactly(length)
                found.append((first, headers, body))
            assert await asyncio.wait_for(reader.read(1), 5) == b""
        finally:
            writer.close()
        return found


def get(path: bytes, headers: bytes = b"", method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    return method + b" " + path + b" HTTP/" + version + b"\r\nHost: a\r\n" + headers + b"\r\n"


CLOSE = b"Connection: close\r\n"


async def test_an_answer_has_its_head_and_its_body() -> None:
    ((first, headers, body),) = await answers(get(b"/ok", CLOSE))
    assert (first, body) == (b"HTTP/1.1 200 OK", b"hello")
    names = [header.partition(b":")[0] for header in headers]
    assert names == [
        b"X-Content-Type-Options", b"Content-Type", b"Date", b"X-A", b"X-Request-ID", b"Connection", b"Content-Length"
    ]  # fmt: skip


async def test_head_has_the_head_of_get() -> None:
    ((_, of_get, _),) = await answers(get(b"/ok", CLOSE))
    ((first, of_head, body),) = await answers(get(b"/ok", CLOSE, b"HEAD"))
    assert (first, body) == (b"HTTP/1.1 200 OK", b"")
    assert [each for each in of_head if b"Date" not in each and b"Request" not in each] == [
        each for each in of_get if b"Date" not in each and b"Request" not in each
    ]


@pytest.mark.parametrize("path", [b"/empty", b"/same"])
async def test_a_status_without_a_body_has_neither_length_nor_type(path: bytes) -> None:
    (first, _), (_, after) = [(each[1], each[2]) for each in await answers(get(path), get(b"/ok", CLOSE))]
    assert [each for each in first if each.startswith((b"Content-Length", b"Content-Type"))] == []
    assert after == b"hello"


async def test_a_connection_is_kept_until_someone_closes_it() -> None:
    kept, last = await answers(get(b"/ok"), get(b"/last"))
    assert b"Connection: close" not in kept[1]
    assert b"Connection: close" in last[1]


async def test_the_older_protocol_is_told_what_becomes_of_its_connection() -> None:
    kept, closed = await answers(
        get(b"/ok", b"Connection: keep-alive\r\n", version=b"1.0"), get(b"/ok", version=b"1.0")
    )
    assert b"Connection: keep-alive" in kept[1]
    assert b"Connection: close" in closed[1]


async def test_an_answer_is_sent_once() -> None:
    once, after = await answers(get(b"/twice"), get(b"/ok", CLOSE))
    assert (once[2], after[2]) == (b"once", b"hello")


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b", "\r"])
def test_a_header_keeps_to_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="The value of X-A holds a line break or a NUL"):
        header_line("X-A", value)


def test_a_header_is_latin_1() -> None:
    assert header_line("X-A", "é") == "X-A: é\r\n"
    with pytest.raises(UnicodeEncodeError):
        header_line("X-A", "😀")
