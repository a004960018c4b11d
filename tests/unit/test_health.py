"""Readiness: what it says follows the storage, whatever the storage does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import pytest

from app.adapters.memory.store import MemoryStore
from app.domain.errors import Refused, Unavailable
from app.entrypoints.api.health import HealthHandlers, Readiness
from app.entrypoints.http.errors import HttpError


class Storage(MemoryStore):
    """The memory storage, with a ping and a schema that a test can break."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self.hangs = False
        self.lacks: list[str] = []
        self.asked = 0

    async def ping(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(30)
        if self.failure is not None:
            raise self.failure

    async def missing(self) -> list[str]:
        return self.lacks


@attrs.frozen
class Watched:
    storage: Storage
    readiness: Readiness

    async def until(self, told: Callable[[str | None], bool]) -> None:
        """Wait until the problem is as `told` wants it."""
        async with asyncio.timeout(5):
            while not told(self.readiness.problem):
                await asyncio.sleep(0.005)


@asynccontextmanager
async def watched(storage: Storage | None = None) -> AsyncIterator[Watched]:
    storage = storage or Storage()
    readiness = Readiness([storage], storage, interval=0.01, timeout=0.05)
    await readiness.open()
    try:
        yield Watched(storage, readiness)
    finally:
        await readiness.close()


def test_before_it_is_opened_a_service_is_starting() -> None:
    assert Readiness([], Storage()).problem == "starting"


async def test_a_service_whose_storage_answers_is_ready_at_once() -> None:
    async with watched() as it:
        assert it.readiness.problem is None
        assert (await HealthHandlers(it.readiness).ready()).status == "ready"


def break_by(failure: Exception | None = None, *, hangs: bool = False, lacks: list[str] | None = None) -> Storage:
    storage = Storage()
    storage.failure, storage.hangs, storage.lacks = failure, hangs, lacks or []
    return storage


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (lambda: break_by(Unavailable("away")), "the storage does not answer"),
        (lambda: break_by(Refused("no such role")), "the storage refuses the login"),
        (lambda: break_by(hangs=True), "the storage does not answer"),
        (lambda: break_by(lacks=["0002.x", "0003.y"]), "run the migrations: 0002.x, 0003.y"),
        (lambda: break_by(ZeroDivisionError()), "the storage fails in an unexpected way"),
    ],
    ids=["away", "refusing", "silent", "old", "strange"],
)
async def test_a_service_that_cannot_serve_starts_and_says_why(broken: Callable[[], Storage], problem: str) -> None:
    async with watched(broken()) as it:
        assert it.readiness.problem == problem
        with pytest.raises(HttpError, match=problem) as refused:
            await HealthHandlers(it.readiness).health_check()
        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
        assert (await HealthHandlers(it.readiness).live()).status == "alive"


@pytest.mark.parametrize("failure", [Unavailable("away"), ZeroDivisionError("never seen")])
async def test_it_notices_that_the_storage_fails_and_that_it_is_back(failure: Exception) -> None:
    async with watched() as it:
        it.storage.failure = failure
        await it.until(lambda problem: problem is not None)
        it.storage.failure = None
        await it.until(lambda problem: problem is None)


async def test_it_logs_changes_and_not_every_look(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "app.entrypoints.api.health"):
        async with watched() as it:
            it.storage.failure = ZeroDivisionError("never seen")
            asked = it.storage.asked
            await it.until(lambda _: it.storage.asked > asked + 3)
            it.storage.failure = None
            await it.until(lambda problem: problem is None)
    own = [record for record in caplog.records if record.name == "app.entrypoints.api.health"]
    assert [record.levelname for record in own] == ["ERROR", "WARNING", "INFO"]


async def test_who_drains_is_not_ready_though_the_storage_answers() -> None:
    async with watched() as it:
        it.readiness.drain()
        assert it.readiness.problem == "draining"


async def test_after_closing_nobody_is_asked_any_more() -> None:
    async with watched() as it:
        pass
    asked = it.storage.asked
    await asyncio.sleep(0.05)
    assert (it.storage.asked, it.readiness.problem) == (asked, "draining")


async def test_closing_what_was_never_opened_does_nothing() -> None:
    await Readiness([], Storage()).close()


async def test_readers_do_not_ask_the_storage() -> None:
    storage = Storage()
    readiness = Readiness([storage], storage, interval=30)
    await readiness.open()
    for _ in range(100):
        await HealthHandlers(readiness).ready()
    await readiness.close()
    assert storage.asked == 1
