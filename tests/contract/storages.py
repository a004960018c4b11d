"""Every storage that must keep the ports' promises; one more is one more function here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import attrs

from app.adapters.config.secret import Dsn
from app.adapters.memory.store import MemoryStore
from app.adapters.mongo.documents import PooledDocuments
from app.adapters.mongo.features import MongoFeatureRepository
from app.adapters.mongo.migrations import MongoMigrations
from app.adapters.mongo.pool import mongo_pools
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.mongo.settings import MongoPoolSettings
from app.adapters.mongo.unit_of_work import MongoTransactions
from app.adapters.sqlite.features import SqliteFeatureRepository
from app.adapters.sqlite.migrations import SqliteMigrations
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.posts import SqlitePostRepository
from app.adapters.sqlite.settings import SqliteSettings
from app.adapters.sqlite.unit_of_work import SqliteTransactions
from app.ports.features import FeatureRepository
from app.ports.posts import PostRepository
from app.ports.unit_of_work import Transactions


@attrs.frozen
class Storage:
    """An empty storage behind the ports."""

    posts: PostRepository
    features: FeatureRepository
    transactions: Transactions


@asynccontextmanager
async def memory(folder: Path) -> AsyncIterator[Storage]:
    store = MemoryStore()
    yield Storage(store.posts, store.features, store)


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Storage]:
    settings = SqliteSettings(path=folder / "contract.db", synchronous="NORMAL")
    SqliteMigrations(settings).apply()
    pool = SqlitePool(settings)
    await pool.open()
    try:
        yield Storage(SqlitePostRepository(pool), SqliteFeatureRepository(pool), SqliteTransactions(pool))
    finally:
        await pool.close()


@asynccontextmanager
async def mongo(folder: Path) -> AsyncIterator[Storage]:
    import uuid

    settings = {"primary": MongoPoolSettings(dsn=Dsn("mongodb://127.0.0.1:27411/t" + uuid.uuid4().hex))}
    MongoMigrations(settings).apply()
    pools = mongo_pools(settings)
    await pools.primary.open()
    try:
        documents = PooledDocuments(pools)
        yield Storage(MongoPostRepository(documents), MongoFeatureRepository(documents), MongoTransactions(pools))
    finally:
        await pools.primary.close()


STORAGES: dict[str, Callable[[Path], AbstractAsyncContextManager[Storage]]] = {
    "memory": memory,
    "sqlite": sqlite,
    "mongo": mongo,
}
