"""Every storage that must keep the ports' promises; one more is one more function here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from app.adapters.memory.storage import memory_storage
from app.adapters.memory.store import MemoryStore
from app.adapters.mongo.storage import mongo_storage
from app.adapters.mysql.pool import make_mysql_pools
from app.adapters.mysql.storage import mysql_storage
from app.adapters.postgres.pool import make_postgres_pools
from app.adapters.postgres.storage import postgres_storage
from app.adapters.sqlite.migrations import SqliteMigrations
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.settings import SqliteSettings
from app.adapters.sqlite.storage import sqlite_storage
from app.ports.storage import Storage
from tests.mongo_databases import emptied as emptied_mongo
from tests.mongo_databases import opened, settings
from tests.mysql_databases import pool_settings as mysql_pool_settings
from tests.postgres_databases import emptied, pool_settings


@asynccontextmanager
async def memory(_: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Storage]:
    yield memory_storage(MemoryStore())


@asynccontextmanager
async def sqlite(_: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Storage]:
    settings = SqliteSettings(path=folder / "contract.db", synchronous="NORMAL")
    SqliteMigrations(settings).apply()
    pool = SqlitePool(settings)
    await pool.open()
    try:
        yield sqlite_storage(pool, settings)
    finally:
        await pool.close()


@asynccontextmanager
async def mongo(request: pytest.FixtureRequest, _: Path) -> AsyncIterator[Storage]:
    dsn = request.getfixturevalue("mongo_database")
    emptied_mongo(dsn)
    async with opened(primary=settings(dsn)) as pools:
        yield mongo_storage(pools, {})


@asynccontextmanager
async def postgres(request: pytest.FixtureRequest, _: Path) -> AsyncIterator[Storage]:
    dsn = request.getfixturevalue("postgres_database")
    emptied(dsn)
    pools = make_postgres_pools({"primary": pool_settings(dsn)})
    await pools.primary.open()
    try:
        yield postgres_storage(pools, {})
    finally:
        await pools.primary.close()


@asynccontextmanager
async def mysql(request: pytest.FixtureRequest, _: Path) -> AsyncIterator[Storage]:
    pools = make_mysql_pools({"primary": mysql_pool_settings(request.getfixturevalue("mysql_dsn"))})
    await pools.primary.open()
    try:
        yield mysql_storage(pools, {})
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
