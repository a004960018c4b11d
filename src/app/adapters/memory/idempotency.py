"""Keys of requests in memory."""

from collections.abc import Callable
from datetime import datetime

import attrs

from app.adapters.memory.posts import Change
from app.adapters.memory.tables import Tables
from app.domain.model.idempotency import Attempt, Claimed, KeptAnswer, answer_for, key_in_use


class MemoryIdempotencyRepository:
    """The port `IdempotencyRepository` in memory."""

    def __init__(self, tables: Callable[[], Tables], change: Change) -> None:
        self._tables = tables
        self._change = change

    async def claim(self, attempt: Attempt, now: datetime, until: datetime) -> KeptAnswer | None:
        async with self._change() as tables:
            found = tables.keys.get(attempt.id)
            if found is None or found.expires_at <= now:
                tables.keys[attempt.id] = Claimed(attempt.fingerprint, attempt.token, until)
                return None
            return answer_for(attempt, found)

    async def keep(self, attempt: Attempt, answer: KeptAnswer, until: datetime) -> None:
        async with self._change() as tables:
            found = tables.keys.get(attempt.id)
            if found is None or found.token != attempt.token:
                raise key_in_use()
            tables.keys[attempt.id] = attrs.evolve(found, answer=answer, expires_at=until)

    async def release(self, attempt: Attempt) -> None:
        async with self._change() as tables:
            found = tables.keys.get(attempt.id)
            if found is not None and found.token == attempt.token and found.answer is None:
                del tables.keys[attempt.id]

    async def purge(self, now: datetime, limit: int) -> int:
        async with self._change() as tables:
            gone = [id_ for id_, found in tables.keys.items() if found.expires_at <= now][:limit]
            for id_ in gone:
                del tables.keys[id_]
            return len(gone)
