"""Passing events on, on every storage: killed at every step, shared, held up, given up; nothing lost, all in order."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from app.domain.errors import Unavailable
from app.domain.model.events import Event
from app.domain.services.posts import PostService
from app.domain.services.relay import EventRelay, RelayRules
from app.ports.events import EventRefused, Outbox
from app.ports.storage import Storage
from tests.builders import FixedClock, a_new_post

RULES = RelayRules(attempts=3, first_pause=1.0)
STEPS = 3 + 4 * 2
"""The calls that a relay makes for two shards of two events each, at the least."""


@attrs.define
class Received:
    """A receiver that remembers what it got, and refuses what it is told to."""

    events: list[Event] = attrs.field(factory=list)
    refused: set[int] = attrs.field(factory=set)
    is_away: bool = False

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def publish(self, event: Event) -> None:
        await asyncio.sleep(0)
        if self.is_away:
            raise Unavailable("The receiver is away.")
        if event.post_id in self.refused:
            raise EventRefused("It said no.")
        self.events.append(event)

    def firsts(self) -> dict[int, list[str]]:
        """The types of each post's events, in the order in which each was first received."""
        seen: dict[str, Event] = {}
        for event in self.events:
            seen.setdefault(event.id, event)
        found: dict[int, list[str]] = {}
        for event in seen.values():
            found.setdefault(event.post_id, []).append(event.type.value)
        return found


class Killed(BaseException):
    """The end of a relay, in the middle of what it does."""


class Killer:
    """Ends whoever comes to the step with this number, before or after doing it."""

    def __init__(self, step: int, *, after: bool) -> None:
        self._left = step
        self._after = after

    async def __call__(self, call: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        result = await call(*arguments)
        if self._left == 0:
            raise Killed
        return result

    def around(self, target: Any) -> Any:
        """The same object, each of whose calls is a step."""
        return Watched(target, self)


class Watched:
    """An outbox or a receiver on the watch of a killer; who is dead gives nothing back."""

    def __init__(self, target: Any, killer: Killer) -> None:
        self._target = target
        self._killer = killer

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._target, name)

        async def step(*arguments: Any) -> Any:
            if name == "release" and self._killer._left <= 0:
                return None
            return await self._killer(call, *arguments)

        return step


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def posts(storage: Storage, clock: FixedClock) -> PostService:
    return PostService(storage.posts, storage.transactions, clock)


async def some_history(posts: PostService) -> dict[int, list[str]]:
    """Two posts, each published, edited and one removed; the types of their events."""
    first, second = [await posts.publish(a_new_post(title)) for title in ("One", "Two")]
    await posts.edit(first.id, a_new_post("One, edited"), None)
    await posts.remove(second.id, None)
    return {
        first.id: ["post.published", "post.edited"],
        second.id: ["post.published", "post.removed"],
    }


async def finish(outbox: Outbox, receiver: Any, clock: FixedClock) -> None:
    """Relay until nothing is left."""
    relay = EventRelay(outbox, receiver, clock, RULES)
    for _ in range(20):
        clock.advance(seconds=60)
        await relay.step()
        if (await outbox.state()).pending == 0:
            return
    raise AssertionError("It doesn't come to an end.")


async def test_each_event_is_delivered_once_and_in_order(
    storage: Storage, posts: PostService, clock: FixedClock
) -> None:
    history, receiver = await some_history(posts), Received()
    assert await EventRelay(storage.outbox, receiver, clock, RULES).step() == 4
    assert receiver.firsts() == history
    assert len(receiver.events) == 4
    assert (await storage.outbox.state()).pending == 0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_step_nothing_is_lost_and_the_order_is_kept(
    storage: Storage, posts: PostService, clock: FixedClock, *, after: bool
) -> None:
    steps = 0
    while True:
        steps += 1
        history, receiver, killer = await some_history(posts), Received(), Killer(steps, after=after)
        relay = EventRelay(killer.around(storage.outbox), killer.around(receiver), clock, RULES)
        was_killed = False
        try:
            await relay.step()
        except Killed:
            was_killed = True
        await finish(storage.outbox, receiver, clock)
        assert receiver.firsts() == history
        assert len(receiver.events) <= 5, "More than the one event in the works was delivered twice."
        for post_id in history:
            if await storage.posts.find(post_id) is not None:
                await storage.posts.remove(post_id, None)
        if not was_killed:
            break
    assert steps > STEPS


async def test_several_relays_share_the_work_without_doubling_it(
    storage: Storage, posts: PostService, clock: FixedClock
) -> None:
    for number in range(24):
        post = await posts.publish(a_new_post(str(number)))
        await posts.edit(post.id, a_new_post(f"{number}, edited"), None)
    receiver = Received()
    relays = [EventRelay(storage.outbox, receiver, clock, RULES) for _ in range(4)]
    for _ in range(5):
        await asyncio.gather(*(relay.step() for relay in relays))
    assert len({event.id for event in receiver.events}) == len(receiver.events) == 48
    assert set(map(tuple, receiver.firsts().values())) == {("post.published", "post.edited")}
    assert sum(relay.counts.delivered > 0 for relay in relays) > 1


async def test_a_relay_that_died_is_succeeded_when_its_lease_is_over(
    storage: Storage, posts: PostService, clock: FixedClock
) -> None:
    await posts.publish(a_new_post())
    killer, receiver = Killer(3, after=True), Received()
    with pytest.raises(Killed):
        await EventRelay(killer.around(storage.outbox), killer.around(receiver), clock, RULES).step()
    successor = EventRelay(storage.outbox, receiver, clock, RULES)
    clock.advance(seconds=RULES.lease - 1)
    assert await successor.step() == 0
    clock.advance(seconds=1)
    assert await successor.step() == 1


async def test_an_event_that_is_refused_holds_up_its_post_until_it_is_given_up(
    storage: Storage, posts: PostService, clock: FixedClock
) -> None:
    history = await some_history(posts)
    (first, second), receiver = history, Received()
    receiver.refused.add(first)
    relay = EventRelay(storage.outbox, receiver, clock, RULES)
    assert [await relay.step(), relay.counts.failed] == [2, 1]
    assert [await relay.step(), relay.counts.failed] == [0, 1]
    clock.advance(seconds=1)
    assert [await relay.step(), relay.counts.failed] == [0, 2]
    clock.advance(seconds=1)
    assert [await relay.step(), relay.counts.failed] == [0, 2]
    clock.advance(seconds=1)
    receiver.refused.clear()
    assert await relay.step() == 2
    assert receiver.firsts() == {second: history[second], first: history[first]}


async def test_an_event_that_the_publisher_cant_cope_with_keeps_no_other_from_being_delivered(
    storage: Storage, posts: PostService, clock: FixedClock
) -> None:
    class Broken(Received):
        async def publish(self, event: Event) -> None:
            if event.post_id == first:
                raise ZeroDivisionError
            await super().publish(event)

    history = await some_history(posts)
    first, second = history
    receiver = Broken()
    relay = EventRelay(storage.outbox, receiver, clock, RULES)
    assert [await relay.step(), relay.counts.failed] == [2, 1]
    assert receiver.firsts() == {second: history[second]}


async def test_after_so_many_attempts_an_event_is_dead_and_the_next_of_its_post_goes_on(
    storage: Storage, posts: PostService, clock: FixedClock
) -> None:
    post = await posts.publish(a_new_post())
    receiver = Received(refused={post.id})
    relay = EventRelay(storage.outbox, receiver, clock, RULES)
    for _ in range(RULES.attempts):
        await relay.step()
        clock.advance(seconds=60)
    assert ((await storage.outbox.state()).dead, relay.counts.died) == (1, 1)
    receiver.refused.clear()
    await posts.edit(post.id, a_new_post("Edited"), None)
    await relay.step()
    assert receiver.firsts() == {post.id: ["post.edited"]}
    await storage.outbox.revive()
    await relay.step()
    assert receiver.firsts() == {post.id: ["post.edited", "post.published"]}


async def test_a_receiver_that_is_away_is_no_events_fault(
    storage: Storage, posts: PostService, clock: FixedClock
) -> None:
    history, receiver = await some_history(posts), Received(is_away=True)
    relay = EventRelay(storage.outbox, receiver, clock, RULES)
    for _ in range(2 * RULES.attempts):
        with pytest.raises(Unavailable):
            await relay.step()
    receiver.is_away = False
    assert await relay.step() == 4
    assert (receiver.firsts(), relay.counts.failed) == (history, 0)


async def test_a_relay_whose_lease_is_nearly_over_begins_nothing_more(
    storage: Storage, posts: PostService, clock: FixedClock
) -> None:
    post = await posts.publish(a_new_post())
    await posts.edit(post.id, a_new_post("Edited"), None)

    class Slow(Received):
        async def publish(self, event: Event) -> None:
            clock.advance(seconds=RULES.lease - RULES.publish_timeout)
            await super().publish(event)

    receiver = Slow()
    relay = EventRelay(storage.outbox, receiver, clock, RULES)
    assert [await relay.step() for _ in range(2)] == [1, 1]
