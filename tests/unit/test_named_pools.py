"""Which pool a read goes to, and how long opening one is tried."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from app.adapters import named_pools
from app.adapters.named_pools import AVOIDED_FOR, FAIR, NamedPools, open_within
from app.adapters.storage_errors import StorageRefused
from app.context import RequestContext, current_request, note_write
from app.domain.errors import DeadlinePassed, Unavailable

POOLS = {"primary": "primary", "replica": "replica"}


async def where(pool: str) -> str:
    return pool


async def test_a_request_reads_from_the_replica_until_it_writes() -> None:
    current_request.set(RequestContext("test", 0.0))
    pools = NamedPools(POOLS)
    assert await pools.read_stale(where) == "replica"
    note_write()
    assert await pools.read_stale(where) == "primary"


async def test_without_a_replica_the_primary_is_read() -> None:
    current_request.set(RequestContext("test", 0.0))
    assert await NamedPools({"primary": "primary"}).read_stale(where) == "primary"


async def test_outside_of_a_request_the_primary_is_read() -> None:
    assert await NamedPools(POOLS).read_stale(where) == "primary"


async def test_a_replica_that_fails_is_left_alone_for_a_while() -> None:
    current_request.set(RequestContext("test", 0.0))
    pools, asked = NamedPools(POOLS), []

    async def read(pool: str) -> str:
        asked.append(pool)
        if pool == "replica" and len(asked) == 1:
            raise Unavailable("down")
        return pool

    assert [await pools.read_stale(read) for _ in range(2)] == ["primary", "primary"]
    assert asked == ["replica", "primary", "primary"]
    pools._avoided_until -= AVOIDED_FOR
    assert await pools.read_stale(read) == "replica"


@pytest.mark.parametrize(("hung_for", "then"), [(0.0, "replica"), (FAIR, "primary")])
async def test_only_a_replica_that_hangs_is_left_alone_by_callers_without_time(
    monkeypatch: pytest.MonkeyPatch, hung_for: float, then: str
) -> None:
    current_request.set(RequestContext("test", 0.0))
    pools, clock = NamedPools(POOLS), [1000.0]

    async def read(pool: str) -> str:
        clock[0] += hung_for
        raise DeadlinePassed("too late")

    monkeypatch.setattr(named_pools, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    with pytest.raises(DeadlinePassed):
        await pools.read_stale(read)
    assert await pools.read_stale(where) == then


async def test_an_error_that_is_not_the_replicas_own_is_not_hidden() -> None:
    current_request.set(RequestContext("test", 0.0))

    async def read(pool: str) -> str:
        raise ZeroDivisionError(pool)

    with pytest.raises(ZeroDivisionError, match="replica"):
        await NamedPools(POOLS).read_stale(read)


async def test_a_primary_that_fails_is_told() -> None:
    async def read(pool: str) -> str:
        raise Unavailable(pool)

    with pytest.raises(Unavailable, match="primary"):
        await NamedPools(POOLS).read_stale(read)


def test_pools_have_names() -> None:
    pools = NamedPools({**POOLS, "reports": "r"})
    assert (pools.primary, pools["reports"], pools.all()) == ("primary", "r", ["primary", "replica", "r"])
    assert NamedPools[str]({}).all() == []


def failing(times: int, error: Exception) -> tuple[Callable[[], Awaitable[str]], list[int]]:
    attempts: list[int] = []

    async def connect() -> str:
        attempts.append(1)
        if len(attempts) <= times:
            raise error
        return "open"

    return connect, attempts


async def test_opening_is_tried_until_it_works_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    connect, attempts = failing(2, Unavailable("not yet"))
    assert await open_within(10, connect) == "open"
    assert len(attempts) == 3
    assert [record.getMessage() for record in caplog.records] == ["Trying again for 10 s: not yet"]


async def test_opening_is_given_up_when_the_time_is_over() -> None:
    connect, attempts = failing(1000, Unavailable("never"))
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="never"):
            await open_within(0.3, connect)
    assert len(attempts) > 1


@pytest.mark.parametrize("error", [StorageRefused("a wrong password"), ZeroDivisionError()])
async def test_what_trying_again_does_not_change_is_raised_at_once(error: Exception) -> None:
    connect, attempts = failing(1000, error)
    with pytest.raises(type(error)):
        await open_within(10, connect)
    assert len(attempts) == 1
