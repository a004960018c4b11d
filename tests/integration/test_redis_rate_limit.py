"""Requests counted in Redis: together over all workers, atomically, and what happens while it is away."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from app.adapters.config.secret import Dsn
from app.adapters.redis.rate_limit import RedisTokenBuckets
from app.adapters.redis.settings import RateLimitSettings
from app.domain.errors import Unavailable
from app.entrypoints.http.rate_limit import RatePolicy, TokenBuckets
from tests.servers.kinds import Server, server
from tests.servers.redis import REDIS

POLICY = RatePolicy(per_second=0.01, burst=20)
"""So slow that no bucket gains anything during a test."""


def buckets_in(url: str, namespace: str = "", *, fallback: bool = True, timeout: float = 1.0) -> RedisTokenBuckets:
    settings = RateLimitSettings(
        per_second=POLICY.per_second, burst=POLICY.burst, redis=Dsn(url), redis_timeout=timeout
    )
    return RedisTokenBuckets(
        settings, namespace or f"test-{secrets.token_hex(8)}", TokenBuckets(POLICY).take if fallback else None
    )


@pytest.fixture
async def buckets(redis_server: Server) -> AsyncIterator[RedisTokenBuckets]:
    made = buckets_in(redis_server.dsn, timeout=5.0)
    await made.open()
    yield made
    await made.close()


async def let_in(buckets: RedisTokenBuckets, count: int, caller: str = "a") -> int:
    answers = await asyncio.gather(*(buckets.take(caller) for _ in range(count)))
    return sum(is_allowed for is_allowed, _ in answers)


async def test_a_burst_is_let_in_and_no_more(buckets: RedisTokenBuckets) -> None:
    assert await let_in(buckets, 100) == 20


async def test_callers_have_buckets_of_their_own(buckets: RedisTokenBuckets) -> None:
    await let_in(buckets, 20)
    assert await let_in(buckets, 5, "b") == 5


async def test_what_is_told_is_the_time_until_the_bucket_is_full(buckets: RedisTokenBuckets) -> None:
    is_allowed, used = await buckets.take("a")
    assert (is_allowed, used) == (True, pytest.approx(100, abs=1))  # type: ignore[comparison-overlap] # approx compares
    await let_in(buckets, 19)
    is_allowed, used = await buckets.take("a")
    assert (is_allowed, used) == (False, pytest.approx(2100, abs=10))  # type: ignore[comparison-overlap] # approx compares


async def test_several_workers_count_together(redis_server: Server) -> None:
    namespace = f"test-{secrets.token_hex(8)}"
    workers = [buckets_in(redis_server.dsn, namespace, timeout=5.0) for _ in range(4)]
    counts = await asyncio.gather(*(let_in(worker, 50) for worker in workers))
    for worker in workers:
        await worker.close()
    assert sum(counts) == 20


async def test_a_bucket_is_forgotten_when_it_is_full_again(redis_server: Server) -> None:
    settings = RateLimitSettings(per_second=100, burst=20, redis=Dsn(redis_server.dsn), redis_timeout=1.0)
    made = RedisTokenBuckets(settings, f"test-{secrets.token_hex(8)}", None)
    await made.take("a")
    await asyncio.sleep(0.1)
    keys = [key async for key in made._client.scan_iter(f"{made._prefix}*")]
    await made.close()
    assert keys == []


async def test_while_redis_is_away_each_worker_counts_for_itself() -> None:
    with server(REDIS, private=True) as started:
        assert started.process is not None
        made = buckets_in(started.dsn)
        assert await let_in(made, 5) == 5
        started.process.kill()
        assert await let_in(made, 100) == 20
        started.process.start()
        made._avoided_until = 0.0
        assert await let_in(made, 100) == 20
        await made.close()


async def test_while_redis_is_away_everything_is_refused_if_that_is_set() -> None:
    with server(REDIS, private=True) as started:
        assert started.process is not None
        made = buckets_in(started.dsn, fallback=False)
        assert await let_in(made, 5) == 5
        started.process.kill()
        with pytest.raises(Unavailable):
            await made.take("a")
        await made.close()


async def test_a_redis_that_hangs_costs_its_timeout_once_and_mixes_nothing_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with server(REDIS, private=True) as started:
        assert started.process is not None
        made = buckets_in(started.dsn)
        await made.take("a")
        started.process.freeze()
        async with asyncio.timeout(10):
            assert await let_in(made, 40, "b") == 20
            for _ in range(1000):
                await made.take("b")
        started.process.thaw()
        made._avoided_until = 0.0
        assert (await made.take("c"))[1] == pytest.approx(100, abs=1)
        await made.close()
    (told,) = [record.message for record in caplog.records if "Redis cannot count" in record.message]
    assert "Check APP_RATE_LIMIT__REDIS: redis://" in told


async def test_the_service_starts_without_redis_and_tells_no_password(caplog: pytest.LogCaptureFixture) -> None:
    made = buckets_in("redis://user:canary-password@127.0.0.1:1/0")
    await made.open()
    assert (await made.take("a"))[0]
    await made.close()
    assert "each worker counts for itself" in caplog.text
    assert "canary" not in caplog.text
