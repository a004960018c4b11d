"""Every failure leaves as the envelope, with a stable code, and with nothing internal."""

import asyncio
import gzip
import io
import json
import logging
from pathlib import Path

import pytest

from app.container import Container
from app.domain.errors import Unavailable
from tests.e2e.service import Client, a_token, running, settings_in

POSTS = "/api/v1/posts"
JSON = {"Content-Type": "application/json"}


async def test_the_envelope_of_an_error(anonymous: Client) -> None:
    answer = await anonymous.get("/nowhere", headers={"X-Request-ID": "abc-123"})
    message = "There is nothing at this path."
    assert answer.json == {
        "success": False,
        "code": "NOT_FOUND",
        "message": message,
        "errors": [{"code": "NOT_FOUND", "message": message}],
        "meta": {"request_id": "abc-123"},
    }
    assert answer.headers["X-Request-ID"] == "abc-123"


async def test_problem_details_for_who_accepts_them(anonymous: Client) -> None:
    answer = await anonymous.get(f"{POSTS}?limit=0", headers={"Accept": "application/problem+json"})
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {key: answer.json[key] for key in ("type", "title", "status", "code")} == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "code": "VALIDATION_ERROR",
    }
    assert answer.json["errors"][0]["field_name"] == "limit"


async def test_problem_details_are_not_for_who_refuses_them(anonymous: Client) -> None:
    answer = await anonymous.get("/nowhere", headers={"Accept": "application/problem+json;q=0, */*"})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("offered", ["", "has space", "x" * 129, "ünïcode", "a;b"])
async def test_a_request_id_that_is_not_sane_is_not_taken(anonymous: Client, offered: str) -> None:
    answer = await anonymous.get("/health/live", headers={"X-Request-ID": offered})
    assert answer.headers["X-Request-ID"] != offered
    assert len(answer.headers["X-Request-ID"]) > 16


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_a_method_that_a_path_does_not_have(anonymous: Client, method: str) -> None:
    answer = await anonymous.send(method, POSTS)
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    "path", ["/", "/api/v1", "/api/v1/posts/", "//", "/%00", "/%0a", "/api/v1/posts/1/x", "/docs/%2e%2e%2fx"]
)
async def test_a_path_that_is_not_there(anonymous: Client, path: str) -> None:
    answer = await anonymous.get(path)
    assert (answer.status, answer.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "EMPTY_BODY"),
        (b" \n", "EMPTY_BODY"),
        (b"{", "INVALID_JSON"),
        (b"{}{}", "INVALID_JSON"),
        (b'{"title": NaN}', "INVALID_JSON"),
        (b'{"title": -Infinity}', "INVALID_JSON"),
        (b'{"title": 1e400}', "NUMBER_TOO_LARGE"),
        (b'{"title": 9223372036854775808}', "NUMBER_TOO_LARGE"),
        (b'{"title": ' + b"9" * 5000 + b"}", "NUMBER_TOO_LARGE"),
        (b'{"title": "a", "title": "b"}', "DUPLICATE_KEY"),
        (b'{"title": "\\ud800"}', "INVALID_TEXT"),
        (b'{"title": "\\u0000"}', "INVALID_TEXT"),
        (b'{"title": "a\x00"}', "INVALID_JSON"),
        (b'{"title": "\xff"}', "INVALID_UTF8"),
        (b'\xef\xbb\xbf{"title": "a"}', "BYTE_ORDER_MARK"),
        ('{"title": "a"}'.encode("utf-16"), "INVALID_UTF8"),
        (b"[" * 33 + b"]" * 33, "NESTED_TOO_DEEPLY"),
        (b"[" * 100_000, "NESTED_TOO_DEEPLY"),
    ],
)
async def test_a_body_that_is_no_json_of_ours(writer: Client, body: bytes, code: str) -> None:
    answer = await writer.send("POST", POSTS, data=body, headers=JSON)
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "1", "true"])
async def test_json_that_is_no_object(writer: Client, body: str) -> None:
    answer = await writer.send("POST", POSTS, data=body, headers=JSON)
    assert (answer.status, answer.code, answer.fields) == (422, "VALIDATION_ERROR", {None: "WRONG_TYPE"})


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonx", "garbage", ";",
     "application/json; charset=latin-1", "application/json; charset=rot13", "application/json; charset=bogus"],
)  # fmt: skip
async def test_a_body_of_another_kind(writer: Client, content_type: str) -> None:
    answer = await writer.send(
        "POST", POSTS, data=b'{"title": "a", "content": ""}', headers={"Content-Type": content_type}
    )
    assert answer.status == 415


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
async def test_a_body_whose_kind_is_said_in_full(writer: Client, content_type: str) -> None:
    answer = await writer.send(
        "POST", POSTS, data=b'{"title": "a", "content": ""}', headers={"Content-Type": content_type}
    )
    assert answer.status == 201


async def test_a_body_over_the_limit(writer: Client) -> None:
    answer = await writer.send("POST", POSTS, data=io.BytesIO(b" " * (2**20 + 1)), headers=JSON)
    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")


async def test_after_a_body_that_nobody_reads_the_connection_ends_and_the_answer_says_so(writer: Client) -> None:
    """Else a client that keeps it would send its next request into the rest of that body."""
    answer = await writer.send("POST", POSTS, data=io.BytesIO(b" " * (2**20 + 1)), headers=JSON)
    assert answer.headers["Connection"] == "close"


async def test_a_small_body_that_unpacks_over_the_limit(writer: Client) -> None:
    packed = gzip.compress(b" " * 20_000_000)
    answer = await writer.send("POST", POSTS, data=packed, headers={**JSON, "Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (413, "BODY_TOO_LARGE")


async def test_a_packed_body_is_read(writer: Client) -> None:
    packed = gzip.compress(json.dumps({"title": "Packed", "content": ""}).encode())
    answer = await writer.send("POST", POSTS, data=packed, headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status == 201


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_packed_badly(writer: Client, encoding: str) -> None:
    answer = await writer.send("POST", POSTS, data=b"not packed", headers={**JSON, "Content-Encoding": encoding})
    assert (answer.status, answer.json["success"]) == (400, False)


async def raw(port: int, sent: bytes) -> bytes:
    """What the server answers to these bytes, until it closes or is silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        received = b""
        while True:
            try:
                chunk = await asyncio.wait_for(reader.read(65536), 0.5)
            except TimeoutError:
                return received
            if not chunk:
                return received
            received += chunk
    finally:
        writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Header\r\n\r\n",
        b"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
    ],
)
async def test_what_is_no_http_is_answered_in_the_envelope(anonymous: Client, sent: bytes) -> None:
    answer = await raw(anonymous.port, sent)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert json.loads(body)["code"] == "BAD_REQUEST"
    assert (await anonymous.get("/health/live")).status == 200


async def test_what_is_too_long_is_told_by_its_own_status(anonymous: Client) -> None:
    target = await anonymous.get(f"{POSTS}?title={'a' * 10_000}")
    assert (target.status, target.code) == (414, "URI_TOO_LONG")
    header = await anonymous.get(POSTS, headers={"X": "a" * 10_000})
    assert (header.status, header.code) == (431, "HEADERS_TOO_LARGE")


async def test_an_encoding_that_is_unknown_here_is_told_with_those_that_are_not(writer: Client) -> None:
    answer = await writer.send("POST", POSTS, data=b"{}", headers={**JSON, "Content-Encoding": "br"})
    assert (answer.status, answer.code) == (415, "UNSUPPORTED_ENCODING")
    assert answer.headers["Accept-Encoding"] == "gzip, deflate"


async def test_a_broken_encoding_ends_the_connection_and_is_no_fault_of_the_server(
    writer: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await writer.send("POST", POSTS, data=b"no gzip", headers={**JSON, "Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (400, "BROKEN_BODY")
    assert answer.headers["Connection"] == "close"
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_broken_chunk_is_the_callers_fault(writer: Client) -> None:
    head = (
        f"POST {POSTS} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {a_token('posts:write')}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    answer = await raw(writer.port, head.encode() + b"5\r\nabcde\r\nXX\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"success" in answer


async def test_an_expectation_that_nobody_can_meet(anonymous: Client) -> None:
    answer = await raw(anonymous.port, b"GET /health/live HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 417")
    assert b"EXPECTATION_FAILED" in answer


async def test_a_body_may_wait_for_permission(writer: Client) -> None:
    head = (
        f"POST {POSTS} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {a_token('posts:write')}\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: 28\r\nExpect: 100-continue\r\n\r\n"
    )
    answer = await raw(writer.port, head.encode() + b'{"title": "b","content": ""}')
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201")


class BrokenFeatures:
    """A repository that fails in the way that a test chooses."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def page(self, query: object) -> object:
        raise self._error


async def answer_when(error: Exception, folder: Path) -> tuple[int, dict[str, object], dict[str, str]]:
    from dependency_injector import providers

    container = Container(settings=settings_in(folder))
    container.features.override(providers.Object(BrokenFeatures(error)))
    async with running(container) as client:
        answer = await client.get("/api/v1/features")
        return answer.status, answer.json, dict(answer.headers)


async def test_the_unexpected_is_logged_and_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        status, body, _ = await answer_when(ZeroDivisionError("password=hunter2"), tmp_path)
    assert (status, body["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "hunter2" not in json.dumps(body)
    assert "hunter2" in caplog.text


async def test_a_storage_that_does_not_answer_is_worth_another_try(tmp_path: Path) -> None:
    status, body, headers = await answer_when(Unavailable("The storage is away."), tmp_path)
    assert (status, body["code"], headers["Retry-After"]) == (503, "UNAVAILABLE", "1")
