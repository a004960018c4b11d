"""Answers that nobody should trust: unreadable, endless, or pointing elsewhere. The client says Unavailable."""

import tracemalloc
from collections.abc import AsyncIterator

import pytest

from app.adapters.http.errors import UnusableAnswer
from app.domain.errors import Unavailable
from tests.upstream.clients import POST, outbound
from tests.upstream.faulty import GIB, Fault, FaultyUpstream, bomb, faulty_upstream, huge, json, redirect, text

pytestmark = pytest.mark.usefixtures("only_this_machine")

MIB = 2**20


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with faulty_upstream() as started:
        yield started


UNREADABLE: list[tuple[str, Fault]] = [
    ("no JSON", text("<html>Sorry!</html>")),
    ("cut JSON", text('{"name": "we')),
    ("two documents", text('{"name": "a"}{}')),
    ("nothing", text("")),
    ("another encoding", text(b"\xff\xfe{\x00}\x00")),
    ("half a surrogate", text('{"name": "\\ud800"}')),
    ("endless nesting", text('{"x": ' + "[" * 100_000)),
    ("another type", text('{"name": "well"}', "text/html")),
    ("no type", text('{"name": "well"}', "")),
    ("nonsense for a type", text('{"name": "well"}', "json;;;=")),
    ("a list", json([])),
    ("null", json(None)),
    ("a key missing", json({"nom": "well"})),
    ("a number for a text", json({"name": 1})),
    ("null for a text", json({"name": None})),
    ("an empty success", json({"name": "well"}, 204)),
    ("a status without a meaning here", json({"name": "well"}, 304)),
    ("packed badly", text("not packed", **{"Content-Encoding": "gzip"})),
]


@pytest.mark.parametrize("answer", [fault for _, fault in UNREADABLE], ids=[name for name, _ in UNREADABLE])
async def test_an_answer_that_cannot_be_read_is_unavailable(
    upstream: FaultyUpstream, answer: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer = answer
    async with outbound(upstream.url) as client:
        with pytest.raises(Unavailable):
            await client.send()
    assert any("upstream, get_name: " in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "//169.254.169.254/",
        "https://127.0.0.1/",
        "http://user@169.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "file:///etc/passwd",
        "http://127.0.0.1:1/",
        "http://[",
        "",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_elsewhere_is_refused(upstream: FaultyUpstream, location: str, status: int) -> None:
    upstream.answer = redirect(location, status)
    async with outbound(upstream.url) as client:
        with pytest.raises(UnusableAnswer, match="no usable answer"):
            await client.send()
    assert upstream.attempts == 1


async def test_redirects_in_a_circle_end(upstream: FaultyUpstream) -> None:
    upstream.answer = redirect("/names/1")
    async with outbound(upstream.url) as client:
        with pytest.raises(UnusableAnswer):
            await client.send()
    assert upstream.attempts == 4


async def test_a_post_follows_no_redirect(upstream: FaultyUpstream) -> None:
    upstream.answer = redirect("/names/1", 307)
    async with outbound(upstream.url) as client:
        with pytest.raises(UnusableAnswer):
            await client.send(POST)
    assert upstream.attempts == 1


@pytest.mark.parametrize(
    "answer", [huge(GIB), huge(GIB, says_so=True), bomb()], ids=["streamed", "announced", "packed"]
)
async def test_a_body_of_any_size_takes_little_memory(upstream: FaultyUpstream, answer: Fault) -> None:
    upstream.answer = answer
    async with outbound(upstream.url) as client:
        tracemalloc.start()
        try:
            with pytest.raises(UnusableAnswer):
                await client.send()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 20 * MIB
    assert upstream.attempts == 1
