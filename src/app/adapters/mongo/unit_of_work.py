"""Units of work in MongoDB: transactions; on a server that has none, changes of one document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from app.adapters.mongo.documents import DocumentsInTransaction
from app.adapters.mongo.features import MongoFeatureRepository
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.named_pools import NamedPools
from app.context import note_write


@attrs.frozen
class MongoWork:
    """The repositories of one unit of work."""

    posts: MongoPostRepository
    features: MongoFeatureRepository


class MongoTransactions:
    """The port `Transactions` on MongoDB."""

    def __init__(self, pools: NamedPools[MongoPool]) -> None:
        self._pools = pools

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MongoWork]:
        note_write()
        async with self._pools.primary.transaction() as transaction:
            documents = DocumentsInTransaction(transaction)
            yield MongoWork(MongoPostRepository(documents), MongoFeatureRepository(documents))
