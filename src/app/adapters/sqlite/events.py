"""Events in SQLite."""

from collections.abc import Sequence
from datetime import datetime

from app.adapters.events_json import due_event, payload_text
from app.adapters.sqlite.statements import Statements
from app.domain.model.events import DueEvent, Event, Failure, Lease, OutboxState
from app.domain.model.posts import from_milliseconds, milliseconds

_DUE_SHARDS = (
    "SELECT shard FROM outbox_shards AS s WHERE expires_at <= ? AND EXISTS "
    "(SELECT 1 FROM outbox WHERE shard = s.shard AND NOT is_dead AND due_at <= ?) ORDER BY shard"
)
_DUE = (
    "SELECT id, type, post_id, occurred_at, payload, failures FROM outbox WHERE shard = ? AND NOT is_dead AND post_id "
    "NOT IN (SELECT post_id FROM outbox WHERE shard = ? AND NOT is_dead AND due_at > ?) ORDER BY position LIMIT ?"
)


class SqliteEventLog:
    """The port `EventLog` on SQLite."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, event: Event) -> None:
        at = milliseconds(event.occurred_at)
        await self._statements.write(
            "INSERT INTO outbox (id, shard, post_id, type, occurred_at, payload) VALUES (?, ?, ?, ?, ?, ?)",
            (event.id, event.shard, event.post_id, event.type.value, at, payload_text(event)),
        )


class SqliteOutbox:
    """The port `Outbox` on SQLite."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def due_shards(self, now: datetime) -> list[int]:
        at = milliseconds(now)
        return [row[0] for row in await self._statements.read(_DUE_SHARDS, (at, at))]

    async def lease(self, lease: Lease, now: datetime) -> bool:
        taken = await self._statements.write(
            "UPDATE outbox_shards SET token = ?, expires_at = ? WHERE shard = ? AND expires_at <= ? RETURNING shard",
            (lease.token, milliseconds(lease.until), lease.shard, milliseconds(now)),
        )
        return bool(taken)

    async def release(self, lease: Lease) -> None:
        await self._statements.write(
            "UPDATE outbox_shards SET expires_at = 0 WHERE shard = ? AND token = ?", (lease.shard, lease.token)
        )

    async def due(self, shard: int, now: datetime, limit: int) -> Sequence[DueEvent]:
        rows = await self._statements.read(_DUE, (shard, shard, milliseconds(now), limit))
        return [due_event(row, from_milliseconds(row[3])) for row in rows]

    async def delivered(self, event_id: str) -> None:
        await self._statements.write("DELETE FROM outbox WHERE id = ?", (event_id,))

    async def failed(self, event_id: str, failure: Failure) -> None:
        due_at = milliseconds(failure.due_at) if failure.due_at is not None else 0
        await self._statements.write(
            "UPDATE outbox SET failures = ?, reason = ?, due_at = ?, is_dead = ? WHERE id = ?",
            (failure.failures, failure.reason, due_at, failure.due_at is None, event_id),
        )

    async def state(self) -> OutboxState:
        rows = await self._statements.read(
            "SELECT count(*) - total(is_dead), min(CASE WHEN is_dead THEN NULL ELSE occurred_at END), total(is_dead) "
            "FROM outbox"
        )
        pending, oldest, dead = rows[0]
        return OutboxState(int(pending), from_milliseconds(oldest) if oldest is not None else None, int(dead))

    async def revive(self) -> int:
        return len(
            await self._statements.write(
                "UPDATE outbox SET failures = 0, due_at = 0, is_dead = FALSE WHERE is_dead RETURNING id"
            )
        )
