"""A corpus of requests that nobody should send: bodies, queries, headers, paths and plain bytes."""

import gzip
import itertools
import json
import random
import zlib
from collections.abc import Iterator

import jwt

from app.adapters.config.settings import AuthSettings
from tests.e2e.service import SECRET

POSTS = "/api/v1/posts"
LASTING = {"iat": 1_750_000_000, "exp": 4_000_000_000}
GOOD = '{"title": "T", "content": "c", "additional_data": {"a": [1, 2.5, null]}, "features": [{"feature_name": "f"}]}'

STRANGE_VALUES = [
    "null", "true", "0", "-1", "1.5", "1e400", "-1e400", "NaN", "Infinity", "9223372036854775808", "-9223372036854775809",
    "9" * 400, "1" + "0" * 5000, "1E+2", "01", "+1", "0x10", ".5", "1.", '""', '" "', '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"',
    '"\\x"', '"\\u12"', '"' + "a" * 101 + '"', '"' + "😀" * 501 + '"', "[]", "[[]]", "{}", '{"a": {}}', "[null]", '["a", 1]',
    "[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, '{"a": 1, "a": 2}', '{"": ""}', '"2026-01-31"', "undefined", "'a'", "",
]  # fmt: skip
FIELDS = ["title", "content", "additional_data", "features", "id", "version", "__proto__", "created_at"]
QUERY_NAMES = [
    "limit",
    "offset",
    "cursor",
    "sort",
    "sort_dir",
    "title",
    "include_inactive",
    "nothing",
    "",
    "limit[]",
    "a.b",
]
QUERY_VALUES = [
    "", "0", "-1", "-0", "101", "1.5", "1e2", "+1", "%2B1", " 1", "1_0", "0x1", "%D9%A1", "9223372036854775807",
    "9223372036854775808", "9" * 400, "NaN", "true", "null", "%00", "%FF", "%ED%A0%80", "%", "%zz", "a" * 2000, "';--", "%F0%9F%98%80",
    "bnVsbA", "W10", "WzEsMiwzXQ", "eyJhIjoxfQ==", "WyJjcmVhdGVkX2F0LmRlc2MiLDFlNDAwLDFd", "created_at.desc", "__class__", "%0d%0aX: y",
]  # fmt: skip
HEADERS = [
    "If-Match: ", 'If-Match: "', 'If-Match: "x"', "If-Match: W/", 'If-Match: "99999999999999999999"', 'If-Match: "1", *',
    "If-Match: \xff", 'If-Match: "\t1"', "Accept: \xff\xfe", "Accept: " + "a/b," * 900, "Accept-Encoding: zstd, nothing",
    "X-Request-ID: \x01", "X-Request-ID: " + "a" * 5000, "X-Request-ID: é", "Authorization: Bearer", "Authorization: Bearer a.b.c",
    "Authorization: Basic YTpi", "Authorization: " + "Bearer " * 50, "Authorization: Bearer \xff", "Cookie: " + "a=b; " * 900,
    "Content-Type: ", "Content-Type: application/json; charset=rot13", "Content-Type: application/json; charset=utf-7",
    "Content-Type: multipart/form-data", "Content-Type: \xff", "Content-Encoding: gzip", "Content-Encoding: br",
    "Content-Encoding: deflate", "Content-Encoding: gzip, gzip", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, chunked",
    "Expect: nothing", "Connection: upgrade\r\nUpgrade: websocket", "Connection: close, keep-alive", "Range: bytes=0-0",
    "If-None-Match: ", 'If-None-Match: "' + "a" * 5000, "X-HTTP-Method-Override: DELETE", "Host: ", "Host: a\r\nHost: b",
    "Content-Length: 0\r\nContent-Length: 0", " Folded: line", "No-Colon", "Space : before", ": empty",
]  # fmt: skip
PATHS = [
    "/", "//", "/.", "/..", "/%2e%2e/etc/passwd", "/api/v1/posts/", "/api/v1/posts/0", "/api/v1/posts/-1", "/api/v1/posts/1.0",
    "/api/v1/posts/%D9%A1", "/api/v1/posts/9223372036854775808", "/api/v1/posts/" + "9" * 19, "/api/v1/posts/" + "9" * 20,
    "/api/v1/posts/1%00", "/api/v1/posts/1%2F2", "/api/v1/posts/%FF", "/api/v1/posts/a b", "/api/v1/posts/1;x=1", "/docs/%00",
    "/docs/..%2f..%2fpyproject.toml", "/docs/init.js/", "/metrics/", "/" + "a" * 7000, "/%", "/%zz", "*", "http://other/api/v1/posts",
    "/api/v1/posts?" + "a=1&" * 500, "/api/v1/posts#fragment", "\\", "/\u00e9",
]  # fmt: skip
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "BREW", "G E T", ""]
PLAIN = [
    b"", b"\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/0.9\r\n\r\n", b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\n",
    b"GET / HTTP/2.0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 200,
    b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 500 + b"\r\n", b"A" * 20_000,
    b"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    b"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nContent-Length: abc\r\n\r\n",
    b"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
]  # fmt: skip


def corpus() -> list[bytes]:
    """Every request of the corpus, the same ones in the same order each time; all but a few are wrong in some way."""
    writer = f"Authorization: Bearer {_lasting_token()}"
    made = itertools.chain(
        _bodies(writer), _queries(), _headers(writer), _paths(), _methods(writer), _mutations(writer)
    )
    return [*made, *PLAIN]


def _lasting_token() -> str:
    """A good token of the same bytes in every run: the corpus changes single bytes of it."""
    auth = AuthSettings()
    claims = {"sub": "tester", "scope": "posts:write", "iss": auth.issuer, "aud": auth.audience, **LASTING}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def _request(method: str, path: str, headers: str = "", body: bytes | None = None) -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body is not None else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}{headers}\r\n"
    return head.encode("utf-8", "surrogateescape") + (body or b"")


def _bodies(writer: str) -> Iterator[bytes]:
    headers = f"{writer}\r\nContent-Type: application/json\r\n"
    change = f'{headers}If-Match: "1"\r\n'
    for method, path, sent in (("POST", POSTS, headers), ("PUT", f"{POSTS}/1", change)):
        for value in STRANGE_VALUES:
            yield _request(method, path, sent, value.encode("utf-8"))
            for field in FIELDS:
                yield _request(method, path, sent, f'{{"title": "T", "content": "c", "{field}": {value}}}'.encode())
            yield _request(method, path, sent, f'{{"title": "T", "content": "c", "features": [{value}]}}'.encode())
            yield _request(
                method,
                path,
                sent,
                f'{{"title": "T", "content": "c", "features": [{{"feature_name": {value}}}]}}'.encode(),
            )
        for encoding in ("utf-16", "utf-32", "utf-8-sig", "utf-7", "latin-1"):
            yield _request(method, path, sent, GOOD.replace("T", "Té").encode(encoding))
        packed = gzip.compress(GOOD.encode())
        for body in (
            packed,
            packed[:-9],
            packed[:10],
            b"x" + packed,
            gzip.compress(b" " * 5_000_000),
            zlib.compress(b"{}"),
        ):
            for name in ("gzip", "deflate"):
                yield _request(method, path, f"{sent}Content-Encoding: {name}\r\n", body)


def _queries() -> Iterator[bytes]:
    for name, value in itertools.product(QUERY_NAMES, QUERY_VALUES):
        yield _request("GET", f"{POSTS}?{name}={value}")
    for name, value in itertools.product(("limit", "include_inactive"), QUERY_VALUES):
        yield _request("GET", f"/api/v1/features?{name}={value}")
        yield _request("GET", f"{POSTS}/1?{name}={value}")
    for one, other in itertools.combinations(QUERY_NAMES[:7], 2):
        yield _request("GET", f"{POSTS}?{one}=1&{other}=x&{one}=2")


def _headers(writer: str) -> Iterator[bytes]:
    body = GOOD.encode()
    for header in HEADERS:
        for method, path, sent in (
            ("GET", POSTS, None),
            ("POST", POSTS, body),
            ("PUT", f"{POSTS}/1", body),
            ("DELETE", f"{POSTS}/1", None),
        ):
            kind = "" if header.startswith("Content-Type") or sent is None else "Content-Type: application/json\r\n"
            token = "" if header.startswith("Authorization") else f"{writer}\r\n"
            yield _request(method, path, f"{token}{kind}{header}\r\n", sent)


def _paths() -> Iterator[bytes]:
    for path, method in itertools.product(PATHS, ("GET", "DELETE", "POST")):
        yield _request(method, path)


def _methods(writer: str) -> Iterator[bytes]:
    for method, path in itertools.product(METHODS, (POSTS, f"{POSTS}/1", "/health/live", "/docs", "/nowhere", "*")):
        yield _request(method, path, f"{writer}\r\n")


def _mutations(writer: str) -> Iterator[bytes]:
    """A good request with one byte changed, cut off, or put in twice."""
    dice = random.Random(20260131)
    good = _request("POST", POSTS, f"{writer}\r\nContent-Type: application/json\r\n", GOOD.encode())
    for _ in range(500):
        place = dice.randrange(len(good))
        yield good[:place] + bytes([dice.randrange(256)]) + good[place + 1 :]
        yield good[:place]
        yield good[:place] + good[place : place + 1] * 2 + good[place + 1 :]


def code_of(answer: bytes) -> tuple[int, str]:
    """The status and the envelope's code of an answer; (0, "closed") for none, which plain bytes may get."""
    if not answer:
        return (0, "closed")
    while answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head[9:12])
    if status < 400:
        return (status, "")
    return (status, json.loads(body)["code"] if body else "")
