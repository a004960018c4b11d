"""What the service keeps in MongoDB."""

from collections.abc import Mapping

from app.adapters.mongo.commands import CommandSpans, TracedDocuments
from app.adapters.mongo.documents import PooledDocuments
from app.adapters.mongo.events import MongoOutbox
from app.adapters.mongo.features import MongoFeatureRepository
from app.adapters.mongo.idempotency import MongoIdempotencyRepository
from app.adapters.mongo.migrations import MongoMigrations, MongoSchemaCheck
from app.adapters.mongo.pool import MongoPool, make_mongo_pools
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.mongo.settings import MongoPoolSettings
from app.adapters.mongo.unit_of_work import MongoTransactions
from app.adapters.named_pools import NamedPools
from app.ports.storage import Storage
from app.tracing import Spans


def make_traced_mongo_pools(settings: Mapping[str, MongoPoolSettings], spans: Spans | None) -> NamedPools[MongoPool]:
    """The pools, whose commands have spans where spans are made."""
    return make_mongo_pools(settings, [CommandSpans(spans)] if spans is not None else [])


def mongo_storage(
    pools: NamedPools[MongoPool], settings: Mapping[str, MongoPoolSettings], spans: Spans | None = None
) -> Storage:
    """Everything behind the ports, on these pools; makes no connection."""
    documents = TracedDocuments(pools, spans) if spans is not None else PooledDocuments(pools)
    return Storage(
        pools=pools.all(),
        schema=MongoSchemaCheck(pools),
        make_migrations=lambda: MongoMigrations(settings),
        transactions=MongoTransactions(pools),
        idempotency_keys=MongoIdempotencyRepository(documents),
        outbox=MongoOutbox(documents),
        posts=MongoPostRepository(documents),
        features=MongoFeatureRepository(documents),
    )
