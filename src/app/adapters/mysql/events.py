"""Events in MySQL or MariaDB."""

from collections.abc import Sequence
from datetime import datetime

from app.adapters.events_json import due_event, payload_text
from app.adapters.mysql.statements import Statements
from app.domain.model.events import DueEvent, Event, Failure, Lease, OutboxState
from app.domain.model.posts import from_milliseconds, milliseconds

_DUE_SHARDS = (
    "SELECT shard FROM outbox_shards AS s WHERE expires_at <= %s AND EXISTS "
    "(SELECT 1 FROM outbox o WHERE o.shard = s.shard AND NOT is_dead AND due_at <= %s) ORDER BY shard"
)
_DUE = (
    "SELECT id, type, post_id, occurred_at, payload, failures FROM outbox WHERE shard = %s AND NOT is_dead AND post_id "
    "NOT IN (SELECT post_id FROM outbox WHERE shard = %s AND NOT is_dead AND due_at > %s) ORDER BY position LIMIT %s"
)


class MysqlEventLog:
    """The port `EventLog` on MySQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, event: Event) -> None:
        at = milliseconds(event.occurred_at)
        await self._statements.write(
            "INSERT INTO outbox (id, shard, post_id, type, occurred_at, payload) VALUES (%s, %s, %s, %s, %s, %s)",
            (event.id, event.shard, event.post_id, event.type.value, at, payload_text(event)),
        )


class MysqlOutbox:
    """The port `Outbox` on MySQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def due_shards(self, now: datetime) -> list[int]:
        at = milliseconds(now)
        return [row[0] for row in await self._statements.read(_DUE_SHARDS, (at, at))]

    async def lease(self, lease: Lease, now: datetime) -> bool:
        done = await self._statements.write(
            "UPDATE outbox_shards SET token = %s, expires_at = %s WHERE shard = %s AND expires_at <= %s",
            (lease.token, milliseconds(lease.until), lease.shard, milliseconds(now)),
        )
        return bool(done.changed)

    async def release(self, lease: Lease) -> None:
        await self._statements.write(
            "UPDATE outbox_shards SET expires_at = 0 WHERE shard = %s AND token = %s", (lease.shard, lease.token)
        )

    async def due(self, shard: int, now: datetime, limit: int) -> Sequence[DueEvent]:
        rows = await self._statements.read(_DUE, (shard, shard, milliseconds(now), limit))
        return [due_event(row, from_milliseconds(row[3])) for row in rows]

    async def delivered(self, event_id: str) -> None:
        await self._statements.write("DELETE FROM outbox WHERE id = %s", (event_id,))

    async def failed(self, event_id: str, failure: Failure) -> None:
        due_at = milliseconds(failure.due_at) if failure.due_at is not None else 0
        await self._statements.write(
            "UPDATE outbox SET failures = %s, reason = %s, due_at = %s, is_dead = %s WHERE id = %s",
            (failure.failures, failure.reason, due_at, failure.due_at is None, event_id),
        )

    async def state(self) -> OutboxState:
        rows = await self._statements.read(
            "SELECT coalesce(sum(NOT is_dead), 0), min(IF(is_dead, NULL, occurred_at)), coalesce(sum(is_dead), 0) "
            "FROM outbox"
        )
        pending, oldest, dead = rows[0]
        return OutboxState(int(pending), from_milliseconds(oldest) if oldest is not None else None, int(dead))

    async def revive(self) -> int:
        done = await self._statements.write("UPDATE outbox SET failures = 0, due_at = 0, is_dead = FALSE WHERE is_dead")
        return done.changed
