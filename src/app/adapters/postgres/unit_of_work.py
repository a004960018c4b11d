"""Units of work in PostgreSQL: transactions of the primary."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from app.adapters.named_pools import NamedPools
from app.adapters.postgres.events import PostgresEventLog
from app.adapters.postgres.features import PostgresFeatureRepository
from app.adapters.postgres.idempotency import PostgresIdempotencyRepository
from app.adapters.postgres.pool import PostgresPool
from app.adapters.postgres.posts import PostgresPostRepository
from app.context import note_write


@attrs.frozen
class PostgresWork:
    """The repositories of one transaction."""

    posts: PostgresPostRepository
    features: PostgresFeatureRepository
    idempotency: PostgresIdempotencyRepository
    events: PostgresEventLog


class PostgresTransactions:
    """The port `Transactions` on PostgreSQL."""

    def __init__(self, pools: NamedPools[PostgresPool]) -> None:
        self._pools = pools

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresWork]:
        note_write()
        async with self._pools.primary.transaction() as transaction:
            yield PostgresWork(
                PostgresPostRepository(transaction),
                PostgresFeatureRepository(transaction),
                PostgresIdempotencyRepository(transaction),
                PostgresEventLog(transaction),
            )
