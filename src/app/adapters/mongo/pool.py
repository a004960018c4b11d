"""Connections to one MongoDB, lent to one call or one transaction at a time.

A call that was cancelled goes on in motor's thread: it keeps its place in the pool until it has ended, which the driver
and the server (maxTimeMS) see to by the moment at which the caller's time is over.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pymongo
from pymongo import ReadPreference
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern

from app.adapters.mongo.client import DATABASE, Client, Database, Operation, left, make_client, place, settled
from app.adapters.mongo.errors import translated
from app.adapters.mongo.settings import MongoPoolSettings
from app.adapters.mongo.transaction import MongoTransaction
from app.adapters.named_pools import PRIMARY, NamedPools, open_within
from app.adapters.storage_errors import Failures, StorageRefused
from app.context import remaining
from app.domain.errors import Unavailable
from app.ports.health import PoolUsage

T = TypeVar("T")

logger = logging.getLogger(__name__)

_READING = ReadPreference.SECONDARY_PREFERRED


class MongoPool:
    """A named pool. A resource; making it does no I/O."""

    def __init__(self, name: str, settings: MongoPoolSettings, listeners: Sequence[CommandListener] = ()) -> None:
        self.name = name
        self.is_required = name == PRIMARY
        self.has_transactions = False
        self.where = f"APP_MONGO__{name.upper()}__DSN: {settings.dsn}"
        self._settings = settings
        self._failures = Failures()
        self._listeners = listeners
        self._client: Client = None
        self._places = asyncio.Semaphore(settings.max_size)
        self._waiting = self._in_use = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Connect. Raises Unavailable when the server doesn't answer in time, StorageRefused for one of no use."""
        settings = self._settings
        self._client = make_client(self.name, settings, self._listeners)
        try:
            if self.is_required:
                await open_within(settings.open_timeout, self._greet)
            else:
                await self._greet()
        except Unavailable as error:
            if self.is_required:
                await self.close()
                raise
            logger.warning("%s It is connected to when it answers.", error)

    async def close(self) -> None:
        """Close all connections, once the calls that are left have ended."""
        client, self._client = self._client, None
        if client is None:
            return
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)
        # It says goodbye to the server, which in motor blocks.
        await settled(await asyncio.to_thread(client.close))

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        try:
            await self.run(lambda database, _: database.command("ping"))
        except Unavailable as error:
            raise self._explained(error) from error

    def usage(self) -> PoolUsage:
        """Places for calls: all of them, those taken, and who waits for one."""
        size = self._settings.max_size
        return PoolUsage(size, self._in_use, self._waiting)

    def failures(self) -> Mapping[str, int]:
        """What its calls failed of."""
        return self._failures.counts

    async def run(self, operation: "Operation[T]", *, snapshot: bool = False) -> T:
        """What `operation` gives, called with the database. Raises what errors.py tells.

        With `snapshot`, and where the server can, all that it reads is of one moment.
        """
        database = self._database(snapshot=snapshot)
        try:
            with translated():
                async with asyncio.timeout(remaining(self._settings.timeout)) as limit:
                    await self._take_place()
                    task = self._start(_call(operation, database, self._seconds(limit)))
                    task.add_done_callback(self._give_back)
                    await asyncio.wait({task})
                    return task.result()
        except Unavailable as error:
            self._failures.note(error)
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MongoTransaction]:
        """Several operations in one transaction, committed on a clean exit and rolled back otherwise."""
        database = self._database()
        try:
            with translated():
                async with asyncio.timeout(remaining(self._settings.timeout)) as limit:
                    await self._take_place()
                    transaction = MongoTransaction(self._start, database, lambda: self._seconds(limit))
                    try:
                        yield transaction
                        await transaction.commit()
                    finally:
                        # Nobody waits for it: the server may be slow, and the caller's time over.
                        self._start(transaction.end(self._settings.timeout)).add_done_callback(self._give_back)
        except Unavailable as error:
            self._failures.note(error)
            raise

    def _start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """A task that runs to its end, whether somebody waits for it or not."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    def _seconds(self, limit: asyncio.Timeout) -> float:
        """Seconds that the driver gets. Where no server is known, it would look for one in all of the call's time."""
        known = self._client.topology_description
        usable = known.has_writable_server() if self.is_required else known.has_readable_server(_READING)
        return left(limit) if usable else min(left(limit), self._settings.selection_timeout)

    async def _take_place(self) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(self._settings.acquire_timeout):
                await self._places.acquire()
        finally:
            self._waiting -= 1
        self._in_use += 1

    def _give_back(self, _: object) -> None:
        self._in_use -= 1
        self._places.release()

    def _database(self, *, snapshot: bool = False) -> Database:
        if self._client is None:
            raise Unavailable("The storage is not open.")
        database = self._client.get_default_database(DATABASE)
        if snapshot and self.has_transactions:
            return database.with_options(read_concern=ReadConcern("snapshot"))
        return database

    def _explained(self, error: Unavailable) -> Unavailable:
        """What to look at, without the driver's text: it may hold values."""
        where = place(self.name, self._settings)
        if isinstance(error, StorageRefused):
            return StorageRefused(f"{where}: this user or password is refused.")
        return type(error)(f"{where}: it does not answer ({type(error.__cause__).__name__}).")

    async def _greet(self) -> None:
        """Find out whether the server lets us in, and whether it has transactions."""
        where = place(self.name, self._settings)
        try:
            hello = await self.run(lambda database, _: database.command("hello"))
            await self.run(lambda database, _: database.list_collection_names())
        except Unavailable as error:
            raise self._explained(error) from None
        self.has_transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
        if self.is_required and not self.has_transactions and not self._settings.single_document:
            raise StorageRefused(
                f"{where}: a standalone server has no transactions. Make it a replica set (mongod --replSet rs0, then "
                "rs.initiate() in mongosh), or set APP_MONGO__PRIMARY__SINGLE_DOCUMENT=true: then no unit of work can "
                "change more than one post."
            )
        if self.is_required and not self.has_transactions:
            logger.warning("%s: no events are recorded, and no Idempotency-Key is taken, without transactions.", where)


async def _call(operation: "Operation[T]", database: Database, seconds: float) -> T:
    with pymongo.timeout(seconds):
        return await operation(database, None)


def make_mongo_pools(
    settings: Mapping[str, MongoPoolSettings], listeners: Sequence[CommandListener] = ()
) -> NamedPools[MongoPool]:
    """The pools that the settings name."""
    return NamedPools({name: MongoPool(name, each, listeners) for name, each in settings.items()})
