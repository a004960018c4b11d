"""Units of work in MySQL or MariaDB: transactions on the primary, each reading what is committed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from app.adapters.mysql.features import MysqlFeatureRepository
from app.adapters.mysql.pool import Statements
from app.adapters.mysql.posts import MysqlPostRepository


@attrs.frozen
class MysqlWork:
    """The repositories of one transaction."""

    posts: MysqlPostRepository
    features: MysqlFeatureRepository


class MysqlTransactions:
    """The port `Transactions` on MySQL."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MysqlWork]:
        async with self._statements.transaction() as transaction:
            yield MysqlWork(MysqlPostRepository(transaction), MysqlFeatureRepository(transaction))
