"""Connections to one SQLite file: a writer, which all writes share in turn, and a few readers.

In WAL mode readers see the last commit and never wait for the writer. Each call costs one hop to the connection's
thread, and stays within what is left of the request's time.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiosqlite

from app.adapters.gathering import Gatherable, GatheredRows, Key
from app.adapters.sqlite.errors import translated
from app.adapters.sqlite.settings import SqliteSettings
from app.adapters.storage_errors import Failures
from app.context import remaining
from app.domain.errors import Unavailable
from app.ports.health import PoolUsage

Row = tuple[Any, ...]


class Connections:
    """Connections lent to one caller at a time; who waits longest is served first."""

    def __init__(self) -> None:
        self._all: list[aiosqlite.Connection] = []
        self._idle: list[aiosqlite.Connection] = []
        self._places = asyncio.Semaphore(0)
        self._cleaning: set[asyncio.Task[None]] = set()
        self.waiting = 0

    @property
    def size(self) -> int:
        return len(self._all)

    @property
    def in_use(self) -> int:
        return len(self._all) - len(self._idle)

    def add(self, connection: aiosqlite.Connection) -> None:
        """Take in a connection that is open."""
        self._all.append(connection)
        self._give_back(connection)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[aiosqlite.Connection]:
        """One connection. However its use ends, it comes back idle and outside of any transaction."""
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        connection = self._idle.pop()
        try:
            yield connection
        except BaseException:
            # The caller may be gone while its statement still runs: end it before anyone else gets the connection.
            task = asyncio.create_task(self._clean(connection))
            self._cleaning.add(task)
            task.add_done_callback(self._cleaning.discard)
            await asyncio.shield(task)
            raise
        self._give_back(connection)

    async def close(self) -> None:
        """Close all, interrupting what runs."""
        connections, self._all = self._all, []
        self._idle.clear()
        for connection in connections:
            with suppress(sqlite3.Error, ValueError):
                await connection.interrupt()
            with suppress(sqlite3.Error):
                await connection.close()

    async def _clean(self, connection: aiosqlite.Connection) -> None:
        # Closed meanwhile, it can be neither interrupted nor rolled back, and its caller has a better error already.
        with suppress(sqlite3.Error, ValueError):
            await connection.interrupt()
            # Queued behind whatever the thread was doing.
            await connection.rollback()
        self._give_back(connection)

    def _give_back(self, connection: aiosqlite.Connection) -> None:
        self._idle.append(connection)
        self._places.release()


class SqlitePool:
    """The storage's connections. A resource; making it does no I/O."""

    name = "primary"
    is_required = True

    def __init__(self, settings: SqliteSettings) -> None:
        self.where = f"APP_SQLITE__PATH: {settings.path}"
        self._settings = settings
        self._failures = Failures()
        self._readers = Connections()
        self._writer = Connections()
        self._gathered: GatheredRows[Row] = GatheredRows(self.read, _as_json)

    async def open(self) -> None:
        """Open the file, making it and its folder where they are missing. Raises Unavailable, naming the setting."""
        settings = self._settings
        self._readers, self._writer = Connections(), Connections()
        try:
            settings.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer.add(await self._connect(f"PRAGMA synchronous={settings.synchronous}"))
            for _ in range(settings.readers):
                self._readers.add(await self._connect("PRAGMA query_only=ON"))
        except (OSError, sqlite3.Error) as error:
            await self.close()
            raise Unavailable(f"Check {self.where} cannot be opened ({error}).") from error

    async def close(self) -> None:
        """Close all connections and end their threads."""
        await self._readers.close()
        await self._writer.close()

    async def ping(self) -> None:
        """Raise Unavailable unless the file can be read."""
        try:
            await self.read("SELECT count(*) FROM sqlite_master")
        except (Unavailable, sqlite3.DatabaseError) as error:
            raise Unavailable(f"Check {self.where} cannot be used ({error.__cause__ or error}).") from error

    def usage(self) -> PoolUsage:
        """Readers and writer together."""
        readers, writer = self._readers, self._writer
        return PoolUsage(readers.size + writer.size, readers.in_use + writer.in_use, readers.waiting + writer.waiting)

    def failures(self) -> Mapping[str, int]:
        """What its calls failed of."""
        return self._failures.counts

    async def read(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """The rows of one query, as of the last commit. Raises Unavailable."""
        return await self._run(self._readers, sql, parameters)

    def gather(self, query: Gatherable, key: Key) -> Awaitable[Sequence[Row]]:
        """The rows of one key, in one statement with others that are asked for at the same time."""
        return self._gathered.read(query, key)

    async def write(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """Run one statement that changes something, and commit; its RETURNING rows. Raises what errors.py tells."""
        return await self._run(self._writer, sql, parameters)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """Several statements in one transaction, committed on a clean exit and rolled back otherwise."""
        try:
            with translated():
                async with asyncio.timeout(self._time_left()), self._writer.lend() as connection:
                    # IMMEDIATE: a transaction that reads first could not be upgraded once someone else has written.
                    await connection.execute_fetchall("BEGIN IMMEDIATE")
                    yield Transaction(connection)
                    await connection.execute_fetchall("COMMIT")
        except Unavailable as error:
            self._failures.note(error)
            raise

    async def _run(self, connections: Connections, sql: str, parameters: Iterable[object]) -> Sequence[Row]:
        if not connections.size:
            raise Unavailable("The storage is not open.")
        try:
            with translated():
                async with asyncio.timeout(self._time_left()), connections.lend() as connection:
                    return _rows(await connection.execute_fetchall(sql, parameters))
        except Unavailable as error:
            self._failures.note(error)
            raise

    def _time_left(self) -> float:
        """Seconds that a call may take. Raises TimeoutError without any: the statement would run all the same."""
        seconds = remaining(self._settings.timeout)
        if seconds <= 0:
            raise TimeoutError
        return seconds

    async def _connect(self, *pragmas: str) -> aiosqlite.Connection:
        settings = self._settings
        # Statements are prepared once and kept; autocommit, so that transactions are only those begun here.
        connection = await aiosqlite.connect(
            settings.path, timeout=settings.busy_timeout, isolation_level=None, cached_statements=256
        )
        try:
            for pragma in ("PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON", *pragmas):
                await connection.execute_fetchall(pragma)
        except BaseException:
            # Its thread would keep the process from ending.
            await connection.close()
            raise
        return connection


class Transaction:
    """Statements of one transaction on the writer's connection."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def read(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """The rows of one query, with what this transaction wrote."""
        with translated():
            return _rows(await self._connection.execute_fetchall(sql, parameters))

    async def gather(self, query: Gatherable, key: Key) -> Sequence[Row]:
        """The rows of one key, with what this transaction wrote."""
        return await self.read(query.one, key)

    async def write(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """Run one statement; its RETURNING rows."""
        return await self.read(sql, parameters)


def _as_json(integers: Sequence[int]) -> str:
    return f"[{','.join(map(str, integers))}]"


def _rows(found: Iterable[Any]) -> Sequence[Row]:
    return found if isinstance(found, list) else list(found)
