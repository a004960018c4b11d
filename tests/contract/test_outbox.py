"""What every storage promises of events (ports/events.py)."""

import asyncio
from datetime import datetime, timedelta

import pytest

from app.domain.model.events import SHARDS, WATCH, Event, EventType, Failure, Lease, OutboxState, event_id
from app.domain.model.posts import PostQuery
from app.ports.storage import Storage
from tests.builders import SOME_MOMENT, a_new_post

NOW = SOME_MOMENT
LATER = NOW + timedelta(seconds=30)


def an_event(post_id: int = 1, **payload: object) -> Event:
    return Event(event_id(NOW), EventType.EDITED, post_id, NOW, payload)


async def recorded(storage: Storage, *events: Event) -> None:
    for event in events:
        async with storage.transactions.begin() as work:
            await work.events.add(event)


async def due(storage: Storage, shard: int = 1, now: datetime = NOW, limit: int = 100) -> list[Event]:
    return [each.event for each in await storage.outbox.due(shard, now, limit)]


async def test_an_event_comes_back_as_it_was(storage: Storage) -> None:
    event = an_event(2**62 + 1, title="ü'\"\\ %s 😀", version=2**63 - 1, nested={"$ref": [None, 1.5]})
    await recorded(storage, event)
    (found,) = await due(storage, event.shard)
    assert (found, type(found.post_id)) == (event, int)


async def test_events_of_a_unit_of_work_that_failed_were_never_there(storage: Storage) -> None:
    with pytest.raises(ZeroDivisionError):
        async with storage.transactions.begin() as work:
            await work.posts.add(a_new_post(), NOW)
            await work.events.add(an_event())
            raise ZeroDivisionError
    assert await storage.outbox.state() == OutboxState(0, None, 0)
    assert (await storage.posts.page(PostQuery())).total == 0


async def test_a_shards_events_come_in_the_order_of_their_units(storage: Storage) -> None:
    events = [an_event(1 + SHARDS * (number % 3), number=number) for number in range(9)]
    await recorded(storage, *events, an_event(2))
    assert await due(storage) == events
    assert await due(storage, limit=4) == events[:4]


async def test_events_of_units_at_one_post_come_in_the_order_of_its_versions(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post(), NOW)

    async def edit(number: int) -> None:
        async with storage.transactions.begin() as work:
            saved = await work.posts.save(post.id, a_new_post(str(number)), None)
            await work.events.add(an_event(post.id, version=saved.version))

    await asyncio.gather(*map(edit, range(8)))
    found = await due(storage, post.id % SHARDS)
    assert [event.payload["version"] for event in found] == list(range(2, 10))


async def test_shards_with_something_due_are_told(storage: Storage) -> None:
    assert await storage.outbox.due_shards(NOW) == []
    await recorded(storage, an_event(3), an_event(3 + SHARDS), an_event(5))
    assert await storage.outbox.due_shards(NOW) == [3, 5]


async def test_a_lease_keeps_others_out_until_it_is_given_back_or_over(storage: Storage) -> None:
    await recorded(storage, an_event(1))
    first, second = Lease(1, "first", LATER), Lease(1, "second", LATER + timedelta(seconds=30))
    assert await storage.outbox.lease(first, NOW)
    assert not await storage.outbox.lease(second, NOW)
    assert await storage.outbox.due_shards(NOW) == []
    await storage.outbox.release(first)
    assert await storage.outbox.lease(first, NOW)
    assert await storage.outbox.due_shards(LATER) == [1]
    assert await storage.outbox.lease(second, LATER)


async def test_who_lost_its_lease_does_not_give_back_the_next_ones(storage: Storage) -> None:
    first, second = Lease(1, "first", LATER), Lease(1, "second", LATER + timedelta(seconds=30))
    await storage.outbox.lease(first, NOW)
    await storage.outbox.lease(second, LATER)
    await storage.outbox.release(first)
    assert not await storage.outbox.lease(Lease(1, "third", LATER + timedelta(seconds=60)), LATER)


async def test_of_many_at_once_one_gets_a_shard(storage: Storage) -> None:
    async def lease(number: int) -> bool:
        return await storage.outbox.lease(Lease(WATCH, str(number), LATER), NOW)

    assert sum(await asyncio.gather(*map(lease, range(20)))) == 1


async def test_a_delivered_event_is_gone_and_telling_it_twice_is_no_harm(storage: Storage) -> None:
    first, second = an_event(), an_event()
    await recorded(storage, first, second)
    for _ in range(2):
        await storage.outbox.delivered(first.id)
    await storage.outbox.failed(first.id, Failure(1, "late", None))
    assert await due(storage) == [second]
    assert (await storage.outbox.state()).dead == 0


async def test_an_event_that_failed_holds_up_those_of_its_post_and_no_others(storage: Storage) -> None:
    failed, behind, beside = an_event(1), an_event(1), an_event(1 + SHARDS)
    await recorded(storage, failed, behind, beside)
    await storage.outbox.failed(failed.id, Failure(3, "It said no.", LATER))
    assert await due(storage) == [beside]
    again = await storage.outbox.due(1, LATER, 100)
    assert [(each.event, each.failures) for each in again] == [(failed, 3), (behind, 0), (beside, 0)]


async def test_a_shard_whose_events_all_wait_is_not_due(storage: Storage) -> None:
    event = an_event(1)
    await recorded(storage, event)
    await storage.outbox.failed(event.id, Failure(1, "It said no.", LATER))
    assert await storage.outbox.due_shards(NOW) == []
    assert await storage.outbox.due_shards(LATER) == [1]


async def test_a_dead_event_holds_up_nobody_and_may_be_revived(storage: Storage) -> None:
    dead, behind = an_event(1), an_event(1)
    await recorded(storage, dead, behind)
    await storage.outbox.failed(dead.id, Failure(20, "It said no.", None))
    assert await due(storage) == [behind]
    assert await storage.outbox.state() == OutboxState(1, NOW, 1)
    assert [await storage.outbox.revive() for _ in range(2)] == [1, 0]
    assert [(each.event.id, each.failures) for each in await storage.outbox.due(1, NOW, 100)] == [
        (dead.id, 0),
        (behind.id, 0),
    ]


async def test_the_state_counts_what_is_left_and_tells_since_when(storage: Storage) -> None:
    assert await storage.outbox.state() == OutboxState(0, None, 0)
    await recorded(storage, an_event(1), an_event(2))
    assert await storage.outbox.state() == OutboxState(2, NOW, 0)
