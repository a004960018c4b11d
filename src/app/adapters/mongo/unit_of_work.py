"""Units of work in MongoDB: transactions; on a server that has none, changes of one document."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from app.adapters.mongo.documents import DocumentsInTransaction, PooledDocuments
from app.adapters.mongo.events import MongoEventLog
from app.adapters.mongo.features import MongoFeatureRepository
from app.adapters.mongo.idempotency import MongoIdempotencyRepository
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.mongo.single_document import Draft, DraftedFeatures, DraftedPosts, NoAnswers, NoEvents
from app.adapters.named_pools import NamedPools
from app.context import note_write
from app.ports.events import EventLog
from app.ports.features import FeatureRepository
from app.ports.idempotency import KeptAnswers
from app.ports.posts import PostRepository


@attrs.frozen
class MongoWork:
    """The repositories of one unit of work."""

    posts: PostRepository
    features: FeatureRepository
    idempotency: KeptAnswers
    events: EventLog


class MongoTransactions:
    """The port `Transactions` on MongoDB."""

    def __init__(self, pools: NamedPools[MongoPool]) -> None:
        self._pools = pools

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MongoWork]:
        note_write()
        if not self._pools.primary.has_transactions:
            documents = PooledDocuments(self._pools)
            draft = Draft(documents)
            yield MongoWork(DraftedPosts(draft, documents), DraftedFeatures(draft, documents), NoAnswers(), NoEvents())
            await draft.write()
            return
        async with self._pools.primary.transaction() as transaction:
            inside = DocumentsInTransaction(transaction)
            yield MongoWork(
                MongoPostRepository(inside),
                MongoFeatureRepository(inside),
                MongoIdempotencyRepository(inside),
                MongoEventLog(inside),
            )
