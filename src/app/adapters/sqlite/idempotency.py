"""Keys of requests in SQLite."""

from datetime import datetime

from app.adapters.sqlite.statements import Statements
from app.domain.model.idempotency import Attempt, Claimed, KeptAnswer, answer_for, key_in_use
from app.domain.model.posts import from_milliseconds, milliseconds


class SqliteIdempotencyRepository:
    """The port `IdempotencyRepository` on SQLite."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def claim(self, attempt: Attempt, now: datetime, until: datetime) -> KeptAnswer | None:
        mine = await self._statements.write(
            "INSERT INTO idempotency_keys (id, fingerprint, token, expires_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, token = excluded.token, "
            "expires_at = excluded.expires_at, status = NULL, content_type = NULL, headers = NULL, body = NULL "
            "WHERE idempotency_keys.expires_at <= ? RETURNING id",
            (attempt.id, attempt.fingerprint, attempt.token, milliseconds(until), milliseconds(now)),
        )
        if mine:
            return None
        rows = await self._statements.read(
            "SELECT fingerprint, token, expires_at, status, content_type, headers, body FROM idempotency_keys "
            "WHERE id = ?",
            (attempt.id,),
        )
        if not rows:  # given up between the two statements
            raise key_in_use()
        fingerprint, token, expires_at, status, *rest = rows[0]
        answer = KeptAnswer(status, *rest) if status is not None else None
        return answer_for(attempt, Claimed(fingerprint, token, from_milliseconds(expires_at), answer))

    async def keep(self, attempt: Attempt, answer: KeptAnswer, until: datetime) -> None:
        rows = await self._statements.write(
            "UPDATE idempotency_keys SET status = ?, content_type = ?, headers = ?, body = ?, expires_at = ? "
            "WHERE id = ? AND token = ? RETURNING id",
            (
                answer.status, answer.content_type, answer.headers, answer.body, milliseconds(until),
                attempt.id, attempt.token,
            ),
        )  # fmt: skip
        if not rows:
            raise key_in_use()

    async def release(self, attempt: Attempt) -> None:
        await self._statements.write(
            "DELETE FROM idempotency_keys WHERE id = ? AND token = ? AND status IS NULL", (attempt.id, attempt.token)
        )

    async def purge(self, now: datetime, limit: int) -> int:
        rows = await self._statements.write(
            "DELETE FROM idempotency_keys WHERE id IN "
            "(SELECT id FROM idempotency_keys WHERE expires_at <= ? LIMIT ?) RETURNING id",
            (milliseconds(now), limit),
        )
        return len(rows)
