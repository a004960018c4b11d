"""Units of work in SQLite: transactions of the one writer, one after the other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from app.adapters.sqlite.events import SqliteEventLog
from app.adapters.sqlite.features import SqliteFeatureRepository
from app.adapters.sqlite.idempotency import SqliteIdempotencyRepository
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.posts import SqlitePostRepository


@attrs.frozen
class SqliteWork:
    """The repositories of one transaction."""

    posts: SqlitePostRepository
    features: SqliteFeatureRepository
    idempotency: SqliteIdempotencyRepository
    events: SqliteEventLog


class SqliteTransactions:
    """The port `Transactions` on SQLite."""

    def __init__(self, pool: SqlitePool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqliteWork]:
        async with self._pool.transaction() as transaction:
            yield SqliteWork(
                SqlitePostRepository(transaction),
                SqliteFeatureRepository(transaction),
                SqliteIdempotencyRepository(transaction),
                SqliteEventLog(transaction),
            )
