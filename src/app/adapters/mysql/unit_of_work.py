"""Units of work in MySQL or MariaDB: transactions on the primary, each reading what is committed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from app.adapters.mysql.events import MysqlEventLog
from app.adapters.mysql.features import MysqlFeatureRepository
from app.adapters.mysql.idempotency import MysqlIdempotencyRepository
from app.adapters.mysql.pool import MysqlPool
from app.adapters.mysql.posts import MysqlPostRepository
from app.adapters.named_pools import NamedPools


@attrs.frozen
class MysqlWork:
    """The repositories of one transaction."""

    posts: MysqlPostRepository
    features: MysqlFeatureRepository
    idempotency: MysqlIdempotencyRepository
    events: MysqlEventLog


class MysqlTransactions:
    """The port `Transactions` on MySQL."""

    def __init__(self, pools: NamedPools[MysqlPool]) -> None:
        self._pools = pools

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MysqlWork]:
        async with self._pools.primary.transaction() as transaction:
            yield MysqlWork(
                MysqlPostRepository(transaction),
                MysqlFeatureRepository(transaction),
                MysqlIdempotencyRepository(transaction),
                MysqlEventLog(transaction),
            )
