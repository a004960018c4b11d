"""Connections to one server, lent to one caller at a time, and kept clean without asking the server each time.

asyncpg's own pool resets the session after every use, which costs as much as the use itself. Here nothing can change
a session (see `stateless`), and a transaction that was left open is seen without asking; only after a call that ended
in any unusual way is the connection cleaned, in the background, or dropped.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import lru_cache
from typing import Any

import asyncpg

from app.adapters.postgres.errors import is_lost_after, is_sound_after
from app.adapters.postgres.settings import PostgresPoolSettings
from app.adapters.storage_errors import too_slow
from app.context import remaining
from app.domain.errors import Unavailable

GRACE = 1.0
"""Seconds that cleaning or closing a connection may take before it is dropped."""

_EXPECTED = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""What may go wrong with a connection that is about to be given up."""

_ALLOWED = re.compile(r"\s*(select|insert|update|delete|with)\b", re.IGNORECASE)
_LEAVES_STATE = re.compile(
    r"\bset_config\b|\bpg_(try_)?advisory_lock|\binto\s+(local\s+|global\s+)?temp", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def stateless(sql: str) -> str:
    """`sql`, if it is a statement that leaves nothing behind in its session. Raises ValueError for any other.

    That is what lets the next caller have the connection as it is: no SET, LISTEN, PREPARE, session lock or temporary
    table goes through a pool, nor does BEGIN, which is the pool's own.
    """
    if not _ALLOWED.match(sql) or _LEAVES_STATE.search(sql):
        raise ValueError(f"This statement may leave something behind in a pooled session: {sql}")
    return sql


class Connections:
    """At most `max_size` connections, the one used last lent first, so that those not needed fall idle."""

    def __init__(self, settings: PostgresPoolSettings, connect: Callable[[], Awaitable[Any]]) -> None:
        self._settings = settings
        self._connect = connect
        self._places: asyncio.Semaphore | None = None
        self._idle: deque[tuple[Any, float]] = deque()
        self._lent: set[Any] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.waiting = 0

    @property
    def size(self) -> int:
        return len(self._idle) + len(self._lent)

    @property
    def in_use(self) -> int:
        return len(self._lent)

    def open(self) -> None:
        """From now on connections can be taken."""
        self._places = asyncio.Semaphore(self._settings.max_size)

    async def fill(self) -> None:
        """Open as many as are always kept. Raises what connecting raises."""
        taken: list[Any] = []
        try:
            while len(taken) < min(self._settings.min_size, self._settings.max_size):
                taken.append(await self.take())
        finally:
            for connection in taken:
                self.give_back(connection)

    async def take(self) -> Any:
        """A connection, idle and outside of any transaction. Raises Unavailable, and whatever connecting raises."""
        places = self._places
        if places is None:
            raise Unavailable("The storage is not open.")
        if places.locked():
            await self._wait(places)
        else:
            await places.acquire()
        while self._idle:
            connection, _ = self._idle.pop()
            if not connection.is_closed():
                self._lent.add(connection)
                return connection
        try:
            connection = await self._connect()
        except BaseException:
            places.release()
            raise
        self._lent.add(connection)
        return connection

    def give_back(self, connection: Any, error: BaseException | None = None) -> None:
        """Take a connection back after a use that ended well, or with `error`."""
        if connection.is_closed() or is_lost_after(error):
            self._drop(connection)
            return
        if (error is None or is_sound_after(error)) and not connection.is_in_transaction():
            self._put_back(connection)
            return
        if isinstance(error, asyncpg.InvalidCachedStatementError):
            # Whatever made this session's statements invalid did so in all of them.
            self._in_background(self._forget_statements())
        self._in_background(self._clean(connection))

    async def close(self) -> None:
        """Close all of them, wherever they are."""
        self._places = None
        for task in self._tasks:
            task.cancel()
        idle = [connection for connection, _ in self._idle]
        self._idle.clear()
        for connection in tuple(self._lent):
            self._drop(connection)
        await asyncio.gather(*self._tasks, *map(_close, idle), return_exceptions=True)

    async def _wait(self, places: asyncio.Semaphore) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(remaining(self._settings.acquire_timeout)):
                await places.acquire()
        except TimeoutError as error:
            raise too_slow() from error
        finally:
            self.waiting -= 1

    async def _forget_statements(self) -> None:
        for connection in (*self._lent, *(each for each, _ in self._idle)):
            if not connection.is_closed():
                await connection.reload_schema_state()

    async def _clean(self, connection: Any) -> None:
        """End whatever the connection was doing; drop it when that takes too long."""
        is_clean = False
        try:
            with suppress(*_EXPECTED):
                async with asyncio.timeout(GRACE):
                    await self._end_transaction(connection)
                is_clean = True
        finally:
            if is_clean:
                self._put_back(connection)
            else:
                self._drop(connection)

    @staticmethod
    async def _end_transaction(connection: Any) -> None:
        # A statement waits until the server has stopped the one that was cancelled, which asyncpg tells it to.
        if not connection.is_in_transaction():
            await connection.execute("SELECT 1")
        # Not an else: what was cancelled may have been a BEGIN.
        if connection.is_in_transaction():
            await connection.execute("ROLLBACK")

    def _put_back(self, connection: Any) -> None:
        if self._places is None or connection.is_closed():
            self._drop(connection)
            return
        now = time.monotonic()
        self._lent.discard(connection)
        self._idle.append((connection, now))
        self._places.release()
        if self._idle[0][1] < now - self._settings.idle_timeout and self.size > self._settings.min_size:
            self._in_background(_close(self._idle.popleft()[0]))

    def _drop(self, connection: Any) -> None:
        if connection not in self._lent:
            return
        self._lent.discard(connection)
        # Not close(): on a server that doesn't answer it would wait.
        connection.terminate()
        if self._places is not None:
            self._places.release()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _close(connection: Any) -> None:
    """Take leave of the server, if it listens; the connection is gone in any case."""
    try:
        with suppress(
            asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError
        ):
            async with asyncio.timeout(GRACE):
                await connection.close()
    finally:
        connection.terminate()
