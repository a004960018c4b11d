"""Databases of MongoDB for tests."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pymongo

from app.adapters.config.secret import Dsn
from app.adapters.mongo.migrations import MongoMigrations
from app.adapters.mongo.pool import MongoPool, mongo_pools
from app.adapters.mongo.settings import MongoPoolSettings
from app.adapters.named_pools import NamedPools


@contextmanager
def database(dsn: str) -> Iterator[str]:
    """The DSN of a new, empty database in the server of `dsn`; it is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    yield urlsplit(dsn)._replace(path=f"/{name}").geturl()
    with pymongo.timeout(5), pymongo.MongoClient[dict[str, Any]](dsn) as client:
        client.drop_database(name)


def settings(dsn: str, **changes: Any) -> MongoPoolSettings:
    """The settings of a pool."""
    return MongoPoolSettings(dsn=Dsn(dsn), **changes)


@asynccontextmanager
async def opened(**pools: MongoPoolSettings) -> AsyncIterator[NamedPools[MongoPool]]:
    """Open pools of a database that has all migrations."""
    MongoMigrations(pools).apply()
    found = mongo_pools(pools)
    try:
        for pool in found.all():
            await pool.open()
        yield found
    finally:
        for pool in found.all():
            await pool.close()
