"""Keys of requests in MySQL or MariaDB."""

from datetime import datetime

from app.adapters.mysql.statements import Statements
from app.domain.model.idempotency import Attempt, Claimed, KeptAnswer, answer_for, key_in_use
from app.domain.model.posts import from_milliseconds, milliseconds

# One statement, so that of racing attempts one wins. The time is changed last: assignments see those before them.
_CLAIM = (
    "INSERT INTO idempotency_keys (id, fingerprint, token, expires_at) VALUES (%s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE fingerprint = IF(expires_at <= %s, %s, fingerprint), "
    "token = IF(expires_at <= %s, %s, token), status = IF(expires_at <= %s, NULL, status), "
    "expires_at = IF(expires_at <= %s, %s, expires_at)"
)
_FIND = "SELECT fingerprint, token, expires_at, status, content_type, headers, body FROM idempotency_keys WHERE id = %s"
# In hexadecimal digits: aiomysql cannot escape bytes.
_KEEP = (
    "UPDATE idempotency_keys SET status = %s, content_type = %s, headers = %s, body = UNHEX(%s), expires_at = %s "
    "WHERE id = %s AND token = %s"
)


class MysqlIdempotencyRepository:
    """The port `IdempotencyRepository` on MySQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def claim(self, attempt: Attempt, now: datetime, until: datetime) -> KeptAnswer | None:
        at, end = milliseconds(now), milliseconds(until)
        new = (attempt.id, attempt.fingerprint, attempt.token, end)
        await self._statements.write(_CLAIM, (*new, at, attempt.fingerprint, at, attempt.token, at, at, end))
        rows = await self._statements.read(_FIND, (attempt.id,))
        if not rows:  # given up between the two statements
            raise key_in_use()
        fingerprint, token, expires_at, status, *rest = rows[0]
        answer = KeptAnswer(status, *rest) if status is not None else None
        return answer_for(attempt, Claimed(fingerprint, token, from_milliseconds(expires_at), answer))

    async def keep(self, attempt: Attempt, answer: KeptAnswer, until: datetime) -> None:
        kept = (answer.status, answer.content_type, answer.headers, answer.body.hex(), milliseconds(until))
        done = await self._statements.write(_KEEP, (*kept, attempt.id, attempt.token))
        if not done.changed:
            raise key_in_use()

    async def release(self, attempt: Attempt) -> None:
        await self._statements.write(
            "DELETE FROM idempotency_keys WHERE id = %s AND token = %s AND status IS NULL", (attempt.id, attempt.token)
        )

    async def purge(self, now: datetime, limit: int) -> int:
        done = await self._statements.write(
            "DELETE FROM idempotency_keys WHERE expires_at <= %s LIMIT %s", (milliseconds(now), limit)
        )
        return done.changed
