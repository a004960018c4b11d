"""Databases of MongoDB for tests."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pymongo
import pytest
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from pymongo.errors import OperationFailure
from pymongo.monitoring import CommandListener, CommandStartedEvent

from app.adapters.config.secret import Dsn
from app.adapters.mongo.migrations import MongoMigrations
from app.adapters.mongo.pool import MongoPool, make_mongo_pools
from app.adapters.mongo.settings import MongoPoolSettings
from app.adapters.named_pools import NamedPools
from app.context import RequestContext, current_request
from tests.servers.kinds import Server
from tests.strictness import skip_or_fail


@contextmanager
def database(dsn: str) -> Iterator[str]:
    """The DSN of a new, empty database in the server of `dsn`; it is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    yield urlsplit(dsn)._replace(path=f"/{name}").geturl()
    with pymongo.timeout(30), pymongo.MongoClient[dict[str, Any]](dsn) as client:
        client.drop_database(name)


@contextmanager
def migrated_database(dsn: str) -> Iterator[str]:
    """The DSN of a new database with the schema in place."""
    with database(dsn) as made:
        MongoMigrations({"primary": settings(made)}).apply()
        yield made


@pytest.fixture(scope="session")
def mongo_database(mongo_server: Server) -> Iterator[str]:
    """The address of a database of the tests' own, with the schema in place."""
    with migrated_database(mongo_server.dsn) as dsn:
        yield dsn


def emptied(dsn: str) -> None:
    """Take all posts out of a database of the tests' own."""
    with pymongo.timeout(30), pymongo.MongoClient[dict[str, Any]](dsn) as client:
        found = client.get_default_database()
        for name in ("posts", "idempotency_keys", "outbox"):
            found[name].delete_many({})
        found.outbox_shards.update_many({}, {"$set": {"expires_at": DatetimeMS(0)}})
        found.counters.update_many({}, {"$set": {"last": Int64(0)}})


def settings(dsn: str, **changes: Any) -> MongoPoolSettings:
    """The settings of a pool."""
    return MongoPoolSettings(dsn=Dsn(dsn), **changes)


@asynccontextmanager
async def opened(**pools: MongoPoolSettings) -> AsyncIterator[NamedPools[MongoPool]]:
    """Open pools, after the migrations of the primary's database."""
    MongoMigrations(pools).apply()
    found = make_mongo_pools(pools)
    try:
        for pool in found.all():
            await pool.open()
        yield found
    finally:
        for pool in found.all():
            await pool.close()


@contextmanager
def fail_point(dsn: str, *commands: str, times: int, **failure: Any) -> Iterator[None]:
    """Let the server fail these commands so many times: errorCode, errorLabels, closeConnection, blockTimeMS …"""
    data = {"failCommands": list(commands), **failure}
    with pymongo.MongoClient[dict[str, Any]](dsn) as client:
        try:
            client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data})
        except OperationFailure:
            skip_or_fail("mongo", "start mongod with --setParameter enableTestCommands=1 for its fail points")
        try:
            yield
        finally:
            client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


@contextmanager
def request(seconds: float) -> Iterator[RequestContext]:
    """A request that has so many seconds left."""
    context = RequestContext("test", asyncio.get_running_loop().time() + seconds)
    token = current_request.set(context)
    yield context
    current_request.reset(token)


class Recorder(CommandListener):
    """Remembers the commands that a client sends."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.sent.append(dict(event.command))

    def succeeded(self, event: object) -> None:
        pass

    def failed(self, event: object) -> None:
        pass

    def names(self) -> list[str]:
        """The names of the commands so far, in order."""
        return [next(iter(command)) for command in self.sent]
