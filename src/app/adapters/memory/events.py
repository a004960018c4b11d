"""Events in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime

import attrs

from app.adapters.memory.posts import Change
from app.adapters.memory.tables import Stored, Tables
from app.domain.model.events import DueEvent, Event, Failure, Lease, OutboxState


class MemoryEventLog:
    """The port `EventLog` in memory."""

    def __init__(self, draft: Tables) -> None:
        self._draft = draft

    async def add(self, event: Event) -> None:
        self._draft.events[event.id] = Stored(DueEvent(event))


class MemoryOutbox:
    """The port `Outbox` in memory."""

    def __init__(self, tables: Callable[[], Tables], change: Change) -> None:
        self._tables = tables
        self._change = change

    async def due_shards(self, now: datetime) -> list[int]:
        tables = self._tables()
        due = {each.due.event.shard for each in _pending(tables) if not _waits(each, now)}
        return sorted(shard for shard in due if not _is_held(tables, shard, now))

    async def lease(self, lease: Lease, now: datetime) -> bool:
        async with self._change() as tables:
            if _is_held(tables, lease.shard, now):
                return False
            tables.leases[lease.shard] = lease
            return True

    async def release(self, lease: Lease) -> None:
        async with self._change() as tables:
            held = tables.leases.get(lease.shard)
            if held is not None and held.token == lease.token:
                del tables.leases[lease.shard]

    async def due(self, shard: int, now: datetime, limit: int) -> Sequence[DueEvent]:
        found = [each for each in _pending(self._tables()) if each.due.event.shard == shard]
        waiting = {each.due.event.post_id for each in found if _waits(each, now)}
        return [each.due for each in found if each.due.event.post_id not in waiting][:limit]

    async def delivered(self, event_id: str) -> None:
        async with self._change() as tables:
            tables.events.pop(event_id, None)

    async def failed(self, event_id: str, failure: Failure) -> None:
        async with self._change() as tables:
            found = tables.events.get(event_id)
            if found is not None:
                due = attrs.evolve(found.due, failures=failure.failures)
                tables.events[event_id] = Stored(due, failure.due_at, failure.due_at is None)

    async def state(self) -> OutboxState:
        pending = _pending(self._tables())
        oldest = min((each.due.event.occurred_at for each in pending), default=None)
        return OutboxState(len(pending), oldest, len(self._tables().events) - len(pending))

    async def revive(self) -> int:
        async with self._change() as tables:
            dead = [each for each in tables.events.values() if each.is_dead]
            for each in dead:
                tables.events[each.due.event.id] = Stored(DueEvent(each.due.event))
            return len(dead)


def _pending(tables: Tables) -> list[Stored]:
    return [each for each in tables.events.values() if not each.is_dead]


def _waits(each: Stored, now: datetime) -> bool:
    return each.due_at is not None and each.due_at > now


def _is_held(tables: Tables, shard: int, now: datetime) -> bool:
    held = tables.leases.get(shard)
    return held is not None and held.until > now
