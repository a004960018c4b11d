"""Everything that an upstream can do wrong, done by a real server: the client says Unavailable, soon and cheaply."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from app.adapters.http.errors import (
    CircuitOpen,
    OutOfTime,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from tests.processes import free_port
from tests.upstream.clients import Named, in_a_request, outbound
from tests.upstream.faulty import (
    Fault,
    FaultyUpstream,
    dribbling,
    faulty_upstream,
    half,
    json,
    one_after_the_other,
    reset,
    slow,
)

MIB = 2**20
NEVER = {"breaker_calls": 10_000}
FAILING = json({}, 503)
WELL = json({"name": "well"})


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with faulty_upstream() as started:
        yield started


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


async def test_a_timeout_is_a_timeout(upstream: FaultyUpstream, caplog: pytest.LogCaptureFixture) -> None:
    upstream.answer = slow(30)
    caplog.set_level(logging.WARNING)
    async with outbound(upstream.url, attempts=1, attempt_timeout=0.2) as client:
        with pytest.raises(UpstreamTimeout):
            await client.send()
    assert "no answer in 0.200 s" in caplog.text
