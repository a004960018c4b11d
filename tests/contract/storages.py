"""Every storage that must keep the ports' promises; one more is one more function here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import attrs
import pytest

from app.adapters.memory.store import MemoryStore
from app.adapters.mongo.documents import PooledDocuments
from app.adapters.mongo.events import MongoOutbox
from app.adapters.mongo.features import MongoFeatureRepository
from app.adapters.mongo.idempotency import MongoIdempotencyRepository
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.mongo.unit_of_work import MongoTransactions
from app.adapters.mysql.events import MysqlOutbox
from app.adapters.mysql.features import MysqlFeatureRepository
from app.adapters.mysql.idempotency import MysqlIdempotencyRepository
from app.adapters.mysql.pool import make_mysql_pools
from app.adapters.mysql.posts import MysqlPostRepository
from app.adapters.mysql.statements import MysqlStatements
from app.adapters.mysql.unit_of_work import MysqlTransactions
from app.adapters.named_pools import NamedPools
from app.adapters.postgres.events import PostgresOutbox
from app.adapters.postgres.features import PostgresFeatureRepository
from app.adapters.postgres.idempotency import PostgresIdempotencyRepository
from app.adapters.postgres.pool import make_postgres_pools
from app.adapters.postgres.posts import PostgresPostRepository
from app.adapters.postgres.statements import PooledStatements
from app.adapters.postgres.unit_of_work import PostgresTransactions
from app.adapters.sqlite.events import SqliteOutbox
from app.adapters.sqlite.features import SqliteFeatureRepository
from app.adapters.sqlite.idempotency import SqliteIdempotencyRepository
from app.adapters.sqlite.migrations import SqliteMigrations
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.posts import SqlitePostRepository
from app.adapters.sqlite.settings import SqliteSettings
from app.adapters.sqlite.unit_of_work import SqliteTransactions
from app.ports.events import Outbox
from app.ports.features import FeatureRepository
from app.ports.idempotency import IdempotencyRepository
from app.ports.posts import PostRepository
from app.ports.unit_of_work import Transactions
from tests.mongo_databases import emptied as emptied_mongo
from tests.mongo_databases import opened, settings
from tests.mysql_databases import pool_settings as mysql_pool_settings
from tests.postgres_databases import emptied, pool_settings


@attrs.frozen
class Storage:
    """An empty storage behind the ports."""

    posts: PostRepository
    features: FeatureRepository
    transactions: Transactions
    idempotency: IdempotencyRepository
    outbox: Outbox


@asynccontextmanager
async def memory(_: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Storage]:
    store = MemoryStore()
    yield Storage(store.posts, store.features, store, store.idempotency, store.outbox)


@asynccontextmanager
async def sqlite(_: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Storage]:
    settings = SqliteSettings(path=folder / "contract.db", synchronous="NORMAL")
    SqliteMigrations(settings).apply()
    pool = SqlitePool(settings)
    await pool.open()
    try:
        yield Storage(
            SqlitePostRepository(pool),
            SqliteFeatureRepository(pool),
            SqliteTransactions(pool),
            SqliteIdempotencyRepository(pool),
            SqliteOutbox(pool),
        )
    finally:
        await pool.close()


def on_mongo(pools: NamedPools[MongoPool]) -> Storage:
    """What these pools hold."""
    documents = PooledDocuments(pools)
    return Storage(
        MongoPostRepository(documents),
        MongoFeatureRepository(documents),
        MongoTransactions(pools),
        MongoIdempotencyRepository(documents),
        MongoOutbox(documents),
    )


@asynccontextmanager
async def mongo(request: pytest.FixtureRequest, _: Path) -> AsyncIterator[Storage]:
    dsn = request.getfixturevalue("mongo_database")
    emptied_mongo(dsn)
    async with opened(primary=settings(dsn)) as pools:
        yield on_mongo(pools)


@asynccontextmanager
async def postgres(request: pytest.FixtureRequest, _: Path) -> AsyncIterator[Storage]:
    dsn = request.getfixturevalue("postgres_database")
    emptied(dsn)
    pools = make_postgres_pools({"primary": pool_settings(dsn)})
    await pools.primary.open()
    try:
        statements = PooledStatements(pools)
        yield Storage(
            PostgresPostRepository(statements),
            PostgresFeatureRepository(statements),
            PostgresTransactions(pools),
            PostgresIdempotencyRepository(statements),
            PostgresOutbox(statements),
        )
    finally:
        await pools.primary.close()


@asynccontextmanager
async def mysql(request: pytest.FixtureRequest, _: Path) -> AsyncIterator[Storage]:
    pools = make_mysql_pools({"primary": mysql_pool_settings(request.getfixturevalue("mysql_dsn"))})
    await pools.primary.open()
    try:
        statements = MysqlStatements(pools)
        yield Storage(
            MysqlPostRepository(statements),
            MysqlFeatureRepository(statements),
            MysqlTransactions(pools),
            MysqlIdempotencyRepository(statements),
            MysqlOutbox(statements),
        )
    finally:
        await pools.primary.close()


Opened = Callable[[pytest.FixtureRequest, Path], AbstractAsyncContextManager[Storage]]
"""Gives an empty storage; servers are asked for by the names of their fixtures, files go into the folder."""

STORAGES: dict[str, Opened] = {
    "memory": memory,
    "sqlite": sqlite,
    "mongo": mongo,
    "postgres": postgres,
    "mysql": mysql,
}
