"""Connections to one server, lent to one caller at a time.

aiomysql's own pool is not used: it connects under its lock, so that one slow login holds up everybody, and a waiter of
it can hang for ever when the holder of a connection is cancelled.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from pymysql import err

from app.adapters.mysql.connection import MysqlConnection, Thread
from app.adapters.mysql.settings import MysqlPoolSettings, tls_context
from app.context import remaining

logger = logging.getLogger(__name__)

CLEANING_TIMEOUT = 1.0
CLOSING_GRACE = 2.0
FAILURES = (OSError, err.MySQLError)


def within(seconds: float) -> AbstractAsyncContextManager[object]:
    """A limit of so many seconds, or of what the request has left. Raises TimeoutError at once if that is nothing."""
    left = remaining(seconds)
    if left <= 0:
        # A limit of zero would take effect only after the statement was sent.
        raise TimeoutError
    return asyncio.timeout(left)


class Connections:
    """At most `max_size` connections; of the idle ones, the one used last is lent first."""

    def __init__(self, settings: MysqlPoolSettings) -> None:
        """Raises OSError when a file of the TLS settings can't be used."""
        self._settings = settings
        self._tls = tls_context(settings)
        self._places = asyncio.Semaphore(settings.max_size)
        self._all: set[MysqlConnection] = set()
        self._idle: list[MysqlConnection] = []
        self._cleaning: set[asyncio.Task[None]] = set()
        self.waiting = 0

    @property
    def size(self) -> int:
        return len(self._all)

    @property
    def in_use(self) -> int:
        return len(self._all) - len(self._idle)

    async def fill(self) -> None:
        """Have `min_size` connections. Raises TimeoutError and pymysql's errors."""
        while len(self._idle) < self._settings.min_size:
            self._put(await self._connect())

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[MysqlConnection]:
        """One connection. However its use ends, nobody gets it before it is clean."""
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            # Nobody waits for this: who was interrupted has no time left. Its place is free only afterwards.
            task = asyncio.create_task(self._clean(connection), name="clean a connection")
            self._cleaning.add(task)
            task.add_done_callback(self._cleaning.discard)
            raise
        self._put(connection)
        self._places.release()

    async def close(self) -> None:
        """Close all; those in use get a moment to be given back."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_GRACE):
                for _ in range(self._settings.max_size):
                    await self._places.acquire()
        while self._idle:
            self._drop(self._idle.pop())
        for connection in self._all:
            connection.cut()

    async def _take(self) -> MysqlConnection:
        async with within(self._settings.acquire_timeout):
            self.waiting += 1
            try:
                await self._places.acquire()
            finally:
                self.waiting -= 1
            try:
                return self._pop_idle() or await self._connect()
            except BaseException:
                self._places.release()
                raise

    def _pop_idle(self) -> MysqlConnection | None:
        too_old = asyncio.get_running_loop().time() - self._settings.pool_recycle
        while self._idle:
            connection = self._idle.pop()
            if connection.is_sound and connection.idle_since > too_old:
                return connection
            self._drop(connection)
        return None

    async def _connect(self) -> MysqlConnection:
        connection = MysqlConnection(self._settings, self._tls)
        await connection.open()
        self._all.add(connection)
        return connection

    def _put(self, connection: MysqlConnection) -> None:
        connection.idle_since = asyncio.get_running_loop().time()
        self._idle.append(connection)

    def _drop(self, connection: MysqlConnection) -> None:
        self._all.discard(connection)
        connection.leave()

    async def _clean(self, connection: MysqlConnection) -> None:
        """Undo what was begun on it, or, where its statement was given up, end that at the server."""
        try:
            async with asyncio.timeout(CLEANING_TIMEOUT):
                if connection.is_sound:
                    await connection.run("ROLLBACK")
                    self._put(connection)
                    return
                if connection.was_interrupted and connection.thread is not None:
                    await self._kill(connection.thread)
        except FAILURES as error:
            logger.warning("A connection could not be cleaned and was dropped: %s", error or type(error).__name__)
        finally:
            if connection not in self._idle:
                self._drop(connection)
            self._places.release()

    async def _kill(self, thread: Thread) -> None:
        side = MysqlConnection(self._settings, self._tls)
        try:
            await side.log_in()
            await side.kill(thread)
        finally:
            side.leave()
