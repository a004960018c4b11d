"""The relay at work: it goes on whatever happens, says so once, and one of many tells what is left to do."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
from prometheus_client import CollectorRegistry

from app.adapters.events.log import LogPublisher
from app.adapters.memory.store import MemoryStore
from app.domain.errors import Unavailable
from app.domain.model.events import post_published
from app.domain.services.idempotency import IdempotencyService
from app.domain.services.outbox_watch import TURN, OutboxWatch
from app.domain.services.relay import EventRelay, RelayRules
from app.entrypoints.relaying import RelayLoop, RelayMetrics
from app.ports.migrations import SchemaCheck
from tests.builders import SOME_MOMENT, FixedClock, a_post


@attrs.define
class Flaky(EventRelay):
    """A relay that fails as it is told to, one failure a step."""

    failures: list[Exception]
    steps: int = 0

    async def step(self) -> int:
        self.steps += 1
        if self.failures:
            raise self.failures.pop()
        return 0


def a_watch(store: MemoryStore, clock: FixedClock) -> OutboxWatch:
    return OutboxWatch(store.outbox, IdempotencyService(store.idempotency, store, clock, 60), clock)


@asynccontextmanager
async def running(relay: Flaky, schema: SchemaCheck | None = None) -> AsyncIterator[None]:
    loop = RelayLoop(relay, a_watch(MemoryStore(), FixedClock()), LogPublisher(), schema or MemoryStore(), 0.001)
    await loop.open()
    try:
        yield
    finally:
        await loop.close()


async def until_steps(relay: Flaky, count: int) -> None:
    async with asyncio.timeout(5):
        while relay.steps < count:  # noqa: ASYNC110 - the relay tells nobody
            await asyncio.sleep(0.001)


async def test_it_goes_on_after_failures_known_and_unknown_and_says_each_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    away, unknown = Unavailable("The receiver is away."), ZeroDivisionError()
    relay = Flaky([away, away, unknown, unknown])
    async with running(relay):
        await until_steps(relay, 6)
    told = [record.getMessage() for record in caplog.records if record.name.endswith("relaying")]
    assert told == [
        "The relay failed in an unexpected way.",
        "No events are passed on: the relay failed in an unexpected way",
        "No events are passed on: The receiver is away.",
        "Events go on.",
    ]


async def test_migrations_that_were_not_run_are_named(caplog: pytest.LogCaptureFixture) -> None:
    class Old(MemoryStore):
        async def missing(self) -> list[str]:
            return ["0002.outbox"]

    relay = Flaky([Unavailable("The storage cannot be used now.")])
    async with running(relay, Old()):
        await until_steps(relay, 2)
    assert "No events are passed on: run the migrations: 0002.outbox" in caplog.text


async def test_closed_it_stops() -> None:
    relay = Flaky([])
    async with running(relay):
        await until_steps(relay, 2)
    before = relay.steps
    await asyncio.sleep(0.02)
    assert relay.steps == before


async def test_one_of_many_counts_what_is_left_until_its_turn_is_over() -> None:
    store, clock = MemoryStore(), FixedClock()
    async with store.begin() as work:
        await work.events.add(post_published(a_post(), SOME_MOMENT))
    one, other = a_watch(store, clock), a_watch(store, clock)
    clock.advance(seconds=5)
    await one.look()
    await other.look()
    found = one.state()
    assert found is not None
    assert (found[0].pending, found[1], other.state()) == (1, 5.0, None)
    clock.advance(seconds=TURN)
    assert one.state() is None
    await other.look()
    assert other.state() is not None


async def test_who_has_the_watch_keeps_it_without_a_gap() -> None:
    """Else what it tells would be missing from the metrics whenever a turn is over."""
    store, clock = MemoryStore(), FixedClock()
    one, other = a_watch(store, clock), a_watch(store, clock)
    for _ in range(30):
        await one.look()
        clock.advance(seconds=1)
        await other.look()
        assert (one.state() is None, other.state() is None) == (False, True)


async def test_who_ends_leaves_the_watch_to_others_at_once() -> None:
    store, clock = MemoryStore(), FixedClock()
    one, other = a_watch(store, clock), a_watch(store, clock)
    await one.look()
    await one.end()
    await other.look()
    assert (one.state(), other.state() is not None) == (None, True)


async def test_the_metrics_tell_what_was_done_and_what_is_left() -> None:
    store, clock, registry = MemoryStore(), FixedClock(), CollectorRegistry()
    relay, watch = EventRelay(store.outbox, LogPublisher(), clock, RelayRules()), a_watch(store, clock)
    RelayMetrics(registry, relay, watch)
    for post_id in (1, 2):
        async with store.begin() as work:
            await work.events.add(post_published(a_post(post_id), SOME_MOMENT))
        if post_id == 1:
            await relay.step()
    assert registry.get_sample_value("outbox_pending") is None
    clock.advance(seconds=3)
    await watch.look()
    names = ("events_delivered_total", "events_failed_total", "outbox_pending", "outbox_oldest_age_seconds")
    assert [registry.get_sample_value(name) for name in names] == [1, 0, 1, 3]
