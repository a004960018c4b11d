"""What is logged of pools that come and go, and what is known of them."""

import asyncio
import logging

import pytest

from app.adapters.memory.store import MemoryStore
from app.domain.errors import Refused, Unavailable
from app.domain.services.pool_watch import REFUSES, SILENT, PoolWatch


class Pool(MemoryStore):
    """A pool that fails as a test says."""

    where = "APP_X__DSN: x://host"

    def __init__(self, name: str = "primary", *, is_required: bool = True) -> None:
        super().__init__()
        self.name = name
        self.is_required = is_required
        self.failure: Exception | None = None
        self.hangs = False

    async def ping(self) -> None:
        if self.hangs:
            await asyncio.sleep(30)
        if self.failure is not None:
            raise self.failure


async def test_an_outage_is_one_line_and_its_end_another(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = [100.0]
    pool = Pool()
    watch = PoolWatch([pool], 1, clock=lambda: now[0])
    pool.failure = Unavailable("Check APP_X__DSN.")
    assert [await watch.look() for _ in range(3)] == [SILENT] * 3
    pool.failure, now[0] = None, 107.25
    assert [await watch.look() for _ in range(3)] == [None] * 3
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "Pool primary cannot be used: the storage does not answer. Check APP_X__DSN."),
        ("INFO", "Pool primary can be used again, after 7.2 s."),
    ]


async def test_another_trouble_is_another_line(caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool()
    watch = PoolWatch([pool], 1)
    pool.failure = Unavailable("It is away.")
    await watch.look()
    pool.failure = Refused("It is there.")
    assert await watch.look() == REFUSES
    assert [record.getMessage().rpartition(". ")[2] for record in caplog.records] == ["It is away.", "It is there."]


async def test_one_that_hangs_is_named_with_how_busy_it_is(caplog: pytest.LogCaptureFixture) -> None:
    pool = Pool()
    pool.hangs = True
    assert await PoolWatch([pool], 0.01).look() == SILENT
    assert "Check APP_X__DSN: x://host: no answer within 0.01 s (0 of 1 connections are in use, 0" in caplog.text


async def test_one_that_is_not_required_is_told_and_keeps_nobody_from_serving() -> None:
    primary, replica = Pool(), Pool("replica", is_required=False)
    replica.hangs = True
    watch = PoolWatch([replica, primary], 0.01)
    assert await watch.look() is None
    assert watch.are_up() == {"primary": True, "replica": False}


async def test_one_that_fails_as_nobody_expects_is_not_up() -> None:
    pool = Pool()
    pool.failure = ZeroDivisionError()
    watch = PoolWatch([pool], 1)
    with pytest.raises(ZeroDivisionError):
        await watch.look()
    assert watch.are_up() == {"primary": False}
