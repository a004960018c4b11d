"""Everything that an upstream can do wrong, done by a real server: the client says Unavailable, soon and cheaply."""

import asyncio
import logging
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import attrs
import pytest

from app.adapters.http.errors import (
    CircuitOpen,
    OutOfTime,
    UnusableAnswer,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from app.domain.errors import Unavailable
from tests.integration.test_http_client import in_a_request
from tests.processes import free_port
from tests.upstream.clients import POST, Named, outbound
from tests.upstream.faulty import (
    GIB,
    Fault,
    FaultyUpstream,
    bomb,
    dribbling,
    faulty_upstream,
    half,
    huge,
    json,
    one_after_the_other,
    redirect,
    reset,
    slow,
    text,
)

MIB = 2**20
NEVER = {"breaker_calls": 10_000}
FAILING = json({}, 503)
WELL = json({"name": "well"})


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


@pytest.mark.parametrize("answer", [reset, half], ids=["reset", "half an answer"])
async def test_a_broken_connection_is_unreachable(upstream: FaultyUpstream, answer: Fault) -> None:
    upstream.answer = answer
    async with outbound(upstream.url) as client:
        with pytest.raises(UpstreamUnreachable):
            await client.send()
    assert upstream.attempts == 3


async def test_half_an_answer_is_followed_by_a_whole_one(upstream: FaultyUpstream) -> None:
    upstream.answer = one_after_the_other(half, WELL)
    async with outbound(upstream.url) as client:
        assert await client.send() == Named("well")


async def test_nobody_listening_is_unreachable() -> None:
    async with outbound(f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(UpstreamUnreachable):
            await client.send()


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n" + b"a" * 100_000, b"\0" * 100])
async def test_what_does_not_speak_http_is_unreachable(greeting: bytes) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server, outbound(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        with pytest.raises(UpstreamUnreachable):
            await client.send()


@pytest.mark.parametrize("answer", [slow(30), dribbling], ids=["silence", "a byte at a time"])
async def test_an_attempt_ends_with_its_time(upstream: FaultyUpstream, answer: Fault) -> None:
    upstream.answer = one_after_the_other(answer, WELL)
    async with outbound(upstream.url, attempt_timeout=1) as client:
        assert await client.send() == Named("well")
    assert upstream.attempts == 2


async def test_a_call_ends_with_the_requests_time_and_is_not_the_upstreams_fault(upstream: FaultyUpstream) -> None:
    upstream.answer = slow(30)
    async with outbound(upstream.url, breaker_calls=1) as client:
        with in_a_request(seconds=0.1), pytest.raises(OutOfTime):
            await client.send()
        with in_a_request(seconds=-1), pytest.raises(OutOfTime):
            await client.send()
        assert client.count("upstream_breaker_open") == 0


async def test_too_many_requests_are_not_made_more(upstream: FaultyUpstream) -> None:
    upstream.answer = json({}, 429, Retry_After="120")
    async with outbound(upstream.url) as client:
        with pytest.raises(UpstreamOverloaded):
            await client.send()
    assert upstream.attempts == 1


async def test_retry_after_is_waited_for(upstream: FaultyUpstream) -> None:
    upstream.answer = one_after_the_other(json({}, 503, Retry_After="1"), WELL)
    async with outbound(upstream.url) as client:
        before = asyncio.get_running_loop().time()
        assert await client.send() == Named("well")
        assert asyncio.get_running_loop().time() - before >= 1


async def test_an_upstream_that_always_fails_is_asked_hardly_more_than_once_a_call(upstream: FaultyUpstream) -> None:
    upstream.answer = FAILING
    async with outbound(upstream.url, **NEVER) as client:
        for _ in range(100):
            with pytest.raises(UpstreamError):
                await client.send()
    assert 100 < upstream.attempts <= 120


async def test_the_breaker_opens_within_its_window_and_then_nothing_is_asked(upstream: FaultyUpstream) -> None:
    upstream.answer = FAILING
    async with outbound(upstream.url) as client:
        for _ in range(10):
            with pytest.raises(UpstreamError):
                await client.send()
        asked = upstream.attempts
        for _ in range(200):
            with pytest.raises(CircuitOpen):
                await client.send()
        assert upstream.attempts == asked <= 14
        assert client.count("upstream_breaker_open") == 1


async def test_a_probe_finds_out_that_the_upstream_is_well_again(upstream: FaultyUpstream) -> None:
    upstream.answer = FAILING
    async with outbound(upstream.url, breaker_calls=1, breaker_pause=0.2, attempts=1) as client:
        with pytest.raises(UpstreamError):
            await client.send()
        upstream.answer = WELL
        await asyncio.sleep(0.25)
        outcomes = await asyncio.gather(*(client.send() for _ in range(20)), return_exceptions=True)
        assert outcomes.count(Named("well")) >= 1
        assert upstream.attempts == 1 + outcomes.count(Named("well"))
        assert await client.send() == Named("well")


@attrs.define
class WatchedInstance:
    url: str
    failures: int = 0

    def failed(self) -> None:
        self.failures += 1


@attrs.define
class WatchedUpstream:
    """Hands out its instances in turn, and knows which of them are in use."""

    instances: list[WatchedInstance]
    picked: int = 0
    in_use: int = 0

    @contextmanager
    def pick(self) -> Iterator[WatchedInstance]:
        instance = self.instances[self.picked % len(self.instances)]
        self.picked += 1
        self.in_use += 1
        try:
            yield instance
        finally:
            self.in_use -= 1


async def test_each_attempt_picks_an_instance_and_tells_when_it_fails(upstream: FaultyUpstream) -> None:
    dead = WatchedInstance(f"http://127.0.0.1:{free_port()}")
    watched = WatchedUpstream([dead, WatchedInstance(upstream.url)])
    async with outbound(watched) as client:
        assert await client.send() == Named("well")
    assert (watched.picked, watched.in_use) == (2, 0)
    assert [instance.failures for instance in watched.instances] == [1, 0]


@pytest.mark.parametrize(
    ("answer", "failures"), [(json({}, 500), 1), (slow(30), 1), (json({}, 429), 0), (json({}, 403), 0)]
)
async def test_an_instance_is_blamed_for_what_another_might_do_better(
    upstream: FaultyUpstream, answer: Fault, failures: int
) -> None:
    upstream.answer = answer
    watched = WatchedUpstream([WatchedInstance(upstream.url)])
    async with outbound(watched, attempts=1, attempt_timeout=1) as client:
        with pytest.raises(Unavailable):
            await client.send()
    assert (watched.instances[0].failures, watched.in_use) == (failures, 0)


async def test_a_timeout_is_a_timeout(upstream: FaultyUpstream, caplog: pytest.LogCaptureFixture) -> None:
    upstream.answer = slow(30)
    caplog.set_level(logging.WARNING)
    async with outbound(upstream.url, attempts=1, attempt_timeout=0.2) as client:
        with pytest.raises(UpstreamTimeout):
            await client.send()
    assert "no answer in 0.200 s" in caplog.text
