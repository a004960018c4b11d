"""Events in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime

from app.adapters.events_json import due_event, payload_text
from app.adapters.postgres.statements import Statements
from app.domain.model.events import DueEvent, Event, Failure, Lease, OutboxState

_ADD = "INSERT INTO outbox (id, shard, post_id, type, occurred_at, payload) VALUES ($1, $2, $3, $4, $5, $6)"
_DUE_SHARDS = (
    "SELECT shard FROM outbox_shards s WHERE expires_at <= $1 AND EXISTS "
    "(SELECT 1 FROM outbox o WHERE o.shard = s.shard AND NOT is_dead AND due_at <= $1) ORDER BY shard"
)
_LEASE = "UPDATE outbox_shards SET token = $1, expires_at = $2 WHERE shard = $3 AND expires_at <= $4 RETURNING shard"
_DUE = (
    "SELECT id, type, post_id, occurred_at, payload, failures FROM outbox WHERE shard = $1 AND NOT is_dead AND post_id "
    "NOT IN (SELECT post_id FROM outbox WHERE shard = $1 AND NOT is_dead AND due_at > $2) ORDER BY position LIMIT $3"
)
_STATE = (
    "SELECT count(*) FILTER (WHERE NOT is_dead), min(occurred_at) FILTER (WHERE NOT is_dead), "
    "count(*) FILTER (WHERE is_dead) FROM outbox"
)
_REVIVE = "UPDATE outbox SET failures = 0, due_at = '-infinity', is_dead = FALSE WHERE is_dead RETURNING id"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresEventLog:
    """The port `EventLog` on PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, event: Event) -> None:
        values = (event.id, event.shard, event.post_id, event.type.value, event.occurred_at, payload_text(event))
        await self._statements.write(_ADD, values)


class PostgresOutbox:
    """The port `Outbox` on PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def due_shards(self, now: datetime) -> list[int]:
        return [row[0] for row in await self._statements.read(_DUE_SHARDS, (now,))]

    async def lease(self, lease: Lease, now: datetime) -> bool:
        return bool(await self._statements.write(_LEASE, (lease.token, lease.until, lease.shard, now)))

    async def release(self, lease: Lease) -> None:
        await self._statements.write(
            "UPDATE outbox_shards SET expires_at = '-infinity' WHERE shard = $1 AND token = $2",
            (lease.shard, lease.token),
        )

    async def due(self, shard: int, now: datetime, limit: int) -> Sequence[DueEvent]:
        return [due_event(row, row[3]) for row in await self._statements.read(_DUE, (shard, now, limit))]

    async def delivered(self, event_id: str) -> None:
        await self._statements.write("DELETE FROM outbox WHERE id = $1", (event_id,))

    async def failed(self, event_id: str, failure: Failure) -> None:
        due_at, is_dead = failure.due_at or _LONG_AGO, failure.due_at is None
        await self._statements.write(
            "UPDATE outbox SET failures = $1, reason = $2, due_at = $3, is_dead = $4 WHERE id = $5",
            (failure.failures, failure.reason, due_at, is_dead, event_id),
        )

    async def state(self) -> OutboxState:
        return OutboxState(*(await self._statements.read(_STATE))[0])

    async def revive(self) -> int:
        return len(await self._statements.write(_REVIVE))
