"""Keys of requests in PostgreSQL."""

from datetime import datetime

from app.adapters.postgres.statements import Statements
from app.domain.model.idempotency import Attempt, Claimed, KeptAnswer, answer_for, key_in_use

_CLAIM = (
    "INSERT INTO idempotency_keys AS k (id, fingerprint, token, expires_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (id) DO UPDATE SET fingerprint = $2, token = $3, expires_at = $4, "
    "status = NULL, content_type = NULL, headers = NULL, body = NULL WHERE k.expires_at <= $5 RETURNING id"
)
_FIND = "SELECT fingerprint, token, expires_at, status, content_type, headers, body FROM idempotency_keys WHERE id = $1"
_KEEP = (
    "UPDATE idempotency_keys SET status = $3, content_type = $4, headers = $5, body = $6, expires_at = $7 "
    "WHERE id = $1 AND token = $2 RETURNING id"
)
_PURGE = (
    "DELETE FROM idempotency_keys WHERE id IN (SELECT id FROM idempotency_keys WHERE expires_at <= $1 LIMIT $2) "
    "RETURNING id"
)


class PostgresIdempotencyRepository:
    """The port `IdempotencyRepository` on PostgreSQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def claim(self, attempt: Attempt, now: datetime, until: datetime) -> KeptAnswer | None:
        if await self._statements.write(_CLAIM, (attempt.id, attempt.fingerprint, attempt.token, until, now)):
            return None
        rows = await self._statements.read(_FIND, (attempt.id,))
        if not rows:  # given up between the two statements
            raise key_in_use()
        fingerprint, token, expires_at, status, *rest = rows[0]
        answer = KeptAnswer(status, *rest) if status is not None else None
        return answer_for(attempt, Claimed(fingerprint, token, expires_at, answer))

    async def keep(self, attempt: Attempt, answer: KeptAnswer, until: datetime) -> None:
        kept = (answer.status, answer.content_type, answer.headers, answer.body, until)
        if not await self._statements.write(_KEEP, (attempt.id, attempt.token, *kept)):
            raise key_in_use()

    async def release(self, attempt: Attempt) -> None:
        await self._statements.write(
            "DELETE FROM idempotency_keys WHERE id = $1 AND token = $2 AND status IS NULL", (attempt.id, attempt.token)
        )

    async def purge(self, now: datetime, limit: int) -> int:
        return len(await self._statements.write(_PURGE, (now, limit)))
