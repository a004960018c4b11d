"""The outbound HTTP kit against a real server: what it sends, and how often."""

import asyncio
from collections.abc import AsyncIterator

import attrs
import pytest

from app.adapters.config.secret import Secret
from app.adapters.http.call import Call
from app.adapters.http.errors import BulkheadFull, CallRefused, UpstreamError, UpstreamMissing, UpstreamUnreachable
from app.adapters.http.settings import ClientSettings
from app.domain.errors import Unavailable
from tests.upstream.clients import GET, POST, Named, in_a_request, outbound
from tests.upstream.faulty import FaultyUpstream, faulty_upstream, json, one_after_the_other, redirect, reset, slow

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
FAILING = json({}, 500)
WELL = json({"name": "well"})


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with faulty_upstream() as started:
        yield started


async def test_an_answer_becomes_an_object_and_what_it_has_more_is_ignored(upstream: FaultyUpstream) -> None:
    upstream.answer = json({"name": "well", "new": {"of": "tomorrow"}})
    async with outbound(upstream.url) as client:
        assert await client.send() == Named("well")


async def test_the_base_url_may_have_a_path(upstream: FaultyUpstream) -> None:
    async with outbound(f"{upstream.url}/under/") as client:
        await client.send(attrs.evolve(GET, path=("a/b", "..c"), parameters={"ids": ["x", "y z"], "none": None}))
    assert upstream.requests[0].raw_path == "/under/a%2Fb/..c?ids=x,y%20z"


async def test_a_token_goes_along_with_what_else_is_set(upstream: FaultyUpstream) -> None:
    settings = {"token": Secret("canary"), "user_agent": "tests/1", "headers": {"x_api_key": Secret("k")}}
    async with outbound(upstream.url, **settings) as client:
        await client.send()
    sent = upstream.requests[0].headers
    assert (sent["Authorization"], sent["User-Agent"], sent["X-Api-Key"]) == ("Bearer canary", "tests/1", "k")
    assert sent["Accept"] == "application/json"


async def test_a_user_logs_in(upstream: FaultyUpstream) -> None:
    async with outbound(upstream.url, user="me", password=Secret("pässword")) as client:
        await client.send()
    assert upstream.requests[0].headers["Authorization"] == "Basic bWU6cMOkc3N3b3Jk"


async def test_a_body_is_sent_as_json_with_its_idempotency_key(upstream: FaultyUpstream) -> None:
    async with outbound(upstream.url) as client:
        await client.send(attrs.evolve(POST, idempotency_key="key-1"))
    request = upstream.requests[0]
    assert (request.method, await request.json()) == ("POST", {"name": "new"})
    assert (request.headers["Content-Type"], request.headers["Idempotency-Key"]) == ("application/json", "key-1")


async def test_the_request_that_is_served_is_named_with_the_time_it_has_left(upstream: FaultyUpstream) -> None:
    async with outbound(upstream.url, attempt_timeout=30) as client:
        with in_a_request(seconds=4, traceparent=TRACE):
            await client.send()
    sent = upstream.requests[0].headers
    assert (sent["X-Request-ID"], sent["traceparent"]) == ("the-id", TRACE)
    assert 0 < float(sent["X-Request-Timeout"]) <= 4


async def test_outside_of_any_request_the_attempt_has_its_own_time(upstream: FaultyUpstream) -> None:
    async with outbound(upstream.url, attempt_timeout=1.25) as client:
        await client.send()
    sent = upstream.requests[0].headers
    assert sent["X-Request-Timeout"] == "1.250"
    assert not {"X-Request-ID", "traceparent"} & set(sent)


@pytest.mark.parametrize("offered", ["", "nonsense", TRACE.upper(), TRACE + "\u0660"])
async def test_what_is_no_trace_goes_no_further(upstream: FaultyUpstream, offered: str) -> None:
    async with outbound(upstream.url) as client:
        with in_a_request(traceparent=offered):
            await client.send()
    assert "traceparent" not in upstream.requests[0].headers


async def test_a_failed_attempt_is_followed_by_another(upstream: FaultyUpstream) -> None:
    upstream.answer = one_after_the_other(FAILING, reset, WELL)
    async with outbound(upstream.url) as client:
        assert await client.send() == Named("well")
        assert upstream.attempts == 3
        assert client.count("upstream_attempts_total", operation="get_name") == 3
        assert client.count("upstream_calls_total", operation="get_name", outcome="ok") == 1


async def test_the_last_failure_is_raised(upstream: FaultyUpstream) -> None:
    upstream.answer = FAILING
    async with outbound(upstream.url) as client:
        with pytest.raises(UpstreamError) as failure:
            await client.send()
    assert (upstream.attempts, failure.value.detail) == (3, "it answered 500")


async def test_what_may_not_happen_twice_is_not_repeated(upstream: FaultyUpstream) -> None:
    async with outbound(upstream.url) as client:
        for answer in (FAILING, reset):
            upstream.answer = answer
            with pytest.raises(Unavailable):
                await client.send(POST)
    assert upstream.attempts == 2


async def test_with_an_idempotency_key_it_is(upstream: FaultyUpstream) -> None:
    upstream.answer = one_after_the_other(FAILING, WELL)
    async with outbound(upstream.url) as client:
        await client.send(attrs.evolve(POST, idempotency_key="key-1"))
    assert [request.headers["Idempotency-Key"] for request in upstream.requests] == ["key-1", "key-1"]


async def test_no_attempt_is_made_behind_our_back_on_a_kept_connection(upstream: FaultyUpstream) -> None:
    upstream.answer = one_after_the_other(WELL, reset)
    async with outbound(upstream.url, attempts=1) as client:
        await client.send()
        with pytest.raises(UpstreamUnreachable):
            await client.send()
    assert upstream.attempts == 2


async def test_a_connection_is_kept_for_the_next_call(upstream: FaultyUpstream) -> None:
    upstream.answer = one_after_the_other(WELL, json({}, 404), WELL)
    async with outbound(upstream.url) as client:
        await client.send()
        with pytest.raises(UpstreamMissing):
            await client.send()
        await client.send()
    assert (upstream.attempts, len(set(upstream.peers))) == (3, 1)


@pytest.mark.parametrize("status", [404, 410])
async def test_what_is_not_there_is_not_tried_again(upstream: FaultyUpstream, status: int) -> None:
    upstream.answer = json({}, status)
    async with outbound(upstream.url) as client:
        with pytest.raises(UpstreamMissing):
            await client.send()
    assert upstream.attempts == 1


@pytest.mark.parametrize("status", [400, 401, 403, 405, 409, 422])
async def test_our_own_fault_is_told_in_the_log(
    upstream: FaultyUpstream, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer = json({}, status)
    async with outbound(upstream.url, token=Secret("canary")) as client:
        with pytest.raises(CallRefused):
            await client.send()
    assert upstream.attempts == 1
    assert "check our request and credentials" in caplog.text
    assert "canary" not in caplog.text


async def test_nobody_waits_when_all_places_are_taken(upstream: FaultyUpstream) -> None:
    upstream.answer = slow(0.5)
    async with outbound(upstream.url, concurrency=2) as client:
        running = [asyncio.create_task(client.send()) for _ in range(2)]
        await upstream.asked(2)
        assert client.count("upstream_calls_in_progress", operation="get_name") == 2
        with pytest.raises(BulkheadFull):
            await client.send()
        await asyncio.gather(*running)
        await client.send()
    assert upstream.attempts == 3


async def test_a_cancelled_call_ends_at_once_and_gives_its_place_back(upstream: FaultyUpstream) -> None:
    upstream.answer = one_after_the_other(slow(30), WELL)
    async with outbound(upstream.url, concurrency=1) as client:
        call = asyncio.create_task(client.send())
        await upstream.asked(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert upstream.attempts == 1
        assert await client.send() == Named("well")


async def test_a_call_may_expect_no_answer(upstream: FaultyUpstream) -> None:
    upstream.answer = json({"ignored": True}, 202)
    async with outbound(upstream.url) as client:
        await client.http.send(Call("forget", type(None), ("names", "1"), method="DELETE"))
    assert upstream.requests[0].method == "DELETE"


async def test_a_redirect_on_the_same_host_is_followed(upstream: FaultyUpstream) -> None:
    upstream.answer = one_after_the_other(redirect("/elsewhere?x=1"), WELL)
    async with outbound(upstream.url) as client:
        assert await client.send() == Named("well")
    assert upstream.requests[1].raw_path == "/elsewhere?x=1"


async def test_limits_can_change_while_it_works(upstream: FaultyUpstream) -> None:
    upstream.answer = json({"name": "a" * 100})
    async with outbound(upstream.url, attempts=1) as client:
        await client.send()
        client.http.apply(ClientSettings(body_limit=50, breaker_calls=2))
        for _ in range(2):
            with pytest.raises(Unavailable):
                await client.send()
        assert client.count("upstream_breaker_open") == 1


async def test_a_client_that_is_not_open_says_so(upstream: FaultyUpstream) -> None:
    async with outbound(upstream.url) as client:
        await client.http.close()
        with pytest.raises(Unavailable, match="not open"):
            await client.send()
        await client.http.close()
        await client.http.open()
        await client.send()
