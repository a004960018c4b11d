"""A pool of connections to one PostgreSQL server: each call takes one, uses it and gives it back.

A call stays within what is left of the request's time; the server ends by itself what it is not told to end.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from app.adapters.gathering import Gatherable, GatheredRows, Key
from app.adapters.named_pools import REPLICA, NamedPools, open_within
from app.adapters.postgres.connections import Connections, stateless
from app.adapters.postgres.errors import is_refused_after, reason, translation
from app.adapters.postgres.settings import TLS_FILES, PostgresPoolSettings, connection_uri
from app.adapters.storage_errors import Failures, StorageRefused, aborted, refused, too_slow, unusable
from app.context import remaining
from app.domain.errors import DomainError, Unavailable
from app.ports.health import PoolUsage

logger = logging.getLogger(__name__)

Row = Sequence[Any]

SCHEMA_CHANGES = 3
"""How often a statement is tried while the tables that it uses are being altered."""

_CONNECT_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, ValueError)


class PostgresPool:
    """The connections to one server. A resource; making it does no I/O."""

    def __init__(self, name: str, settings: PostgresPoolSettings) -> None:
        self.name = name
        self.is_required = name != REPLICA
        self.where = f"APP_POSTGRES__{name.upper()}__DSN: {settings.dsn}"
        self._settings = settings
        self._failures = Failures()
        self._connections = Connections(settings, self._connect)
        self._gathered: GatheredRows[Row] = GatheredRows(self.fetch, _as_array)

    async def open(self) -> None:
        """Connect, waiting for the server for a while. Raises Unavailable, naming the setting and the address.

        A pool that is not required is tried once; where that fails, it connects later by itself.
        """
        self._connections.open()
        try:
            if self.is_required:
                await open_within(self._settings.open_timeout, self._fill)
            else:
                await self._fill()
        except Unavailable as error:
            if self.is_required:
                await self.close()
                raise
            logger.warning(error.message)

    async def close(self) -> None:
        """Close all connections."""
        await self._connections.close()

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        try:
            await self.fetch("SELECT 1")
        except Unavailable as error:
            raise self._explained(error) from error

    def usage(self) -> PoolUsage:
        """How busy the pool is."""
        return PoolUsage(self._connections.size, self._connections.in_use, self._connections.waiting)

    def failures(self) -> Mapping[str, int]:
        """What its calls failed of."""
        return self._failures.counts

    async def fetch(self, sql: str, parameters: Sequence[object] = ()) -> Sequence[Row]:
        """The rows of one statement, which is a transaction by itself. Raises what errors.py tells."""
        stateless(sql)
        connection = await self._take()
        try:
            rows = await self._rows(connection, sql, parameters)
        except BaseException as error:
            known = self._translation(error, connection)
            self._connections.give_back(connection, error)
            if known is None:
                raise
            raise known from error
        self._connections.give_back(connection)
        return rows

    def gather(self, query: Gatherable, key: Key) -> Awaitable[Sequence[Row]]:
        """The rows of one key, in one statement with others that are asked for at the same time."""
        return self._gathered.read(query, key)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """Several statements in one transaction, committed on a clean exit and rolled back otherwise."""
        connection = await self._take()
        try:
            await connection.execute("BEGIN", timeout=self._time_left())
            yield Transaction(connection, self._time_left)
            # COMMIT of a transaction in which a statement failed answers ROLLBACK, and calls that a success.
            if await connection.execute("COMMIT", timeout=self._time_left()) != "COMMIT":
                raise aborted()
        except BaseException as error:
            known = self._translation(error, connection)
            self._connections.give_back(connection, _origin(error))
            if known is None:
                raise
            raise known from error
        self._connections.give_back(connection)

    async def _take(self) -> Any:
        try:
            return await self._connections.take()
        except Unavailable as error:
            self._failures.note(error)
            raise

    def _translation(self, error: BaseException, connection: Any) -> DomainError | None:
        known = translation(error, connection)
        failure = known or error
        if isinstance(failure, Unavailable):
            self._failures.note(failure)
        return known

    async def _rows(self, connection: Any, sql: str, parameters: Sequence[object]) -> Sequence[Row]:
        for _ in range(SCHEMA_CHANGES):
            # asyncpg prepares a statement anew when the schema was changed, but only once.
            with suppress(asyncpg.InvalidCachedStatementError):
                rows: Sequence[Row] = await connection.fetch(sql, *parameters, timeout=self._time_left())
                return rows
        raise aborted()

    def _time_left(self) -> float:
        left = remaining(self._settings.timeout)
        if left <= 0:
            raise too_slow()
        return left

    async def _fill(self) -> None:
        prefix = f"APP_POSTGRES__{self.name.upper()}__"
        for name in TLS_FILES:
            path = getattr(self._settings, name)
            if path is not None and not os.access(path, os.R_OK):
                raise StorageRefused(f"Check {prefix}{name.upper()}: {path} cannot be read.")
        try:
            await self._connections.fill()
        except Unavailable as error:
            raise self._explained(error) from error

    def _explained(self, error: Unavailable) -> Unavailable:
        return type(error)(f"Check {self.where} cannot be used ({reason(error.__cause__)}).")

    async def _connect(self) -> Any:
        settings = self._settings
        try:
            async with asyncio.timeout(remaining(settings.connect_timeout)):
                return await asyncpg.connect(
                    connection_uri(settings),
                    timeout=settings.connect_timeout,
                    command_timeout=settings.timeout,
                    statement_cache_size=settings.statement_cache_size,
                    max_cached_statement_lifetime=0,
                    server_settings=_server_settings(settings),
                )
        except TimeoutError as error:
            raise too_slow() from error
        except _CONNECT_ERRORS as error:
            if is_refused_after(error):
                raise refused() from error
            raise unusable() from error


class Transaction:
    """Statements of one transaction."""

    def __init__(self, connection: Any, time_left: Callable[[], float]) -> None:
        self._connection = connection
        self._time_left = time_left

    async def read(self, sql: str, parameters: Sequence[object] = ()) -> Sequence[Row]:
        """The rows of one query, with what this transaction wrote."""
        try:
            rows: Sequence[Row] = await self._connection.fetch(stateless(sql), *parameters, timeout=self._time_left())
        except BaseException as error:
            known = translation(error, self._connection)
            if known is None:
                raise
            raise known from error
        return rows

    read_stale = read
    write = read

    async def gather(self, query: Gatherable, key: Key, *, stale: bool = False) -> Sequence[Row]:
        """The rows of one key, with what this transaction wrote."""
        return await self.read(query.one, key)


def make_postgres_pools(settings: Mapping[str, PostgresPoolSettings]) -> NamedPools[PostgresPool]:
    """The pools that are set."""
    return NamedPools({name: PostgresPool(name, each) for name, each in settings.items()})


def _as_array(integers: Sequence[int]) -> str:
    """An array as a text: as itself it would cost a look into the catalogue on every connection."""
    return f"{{{','.join(map(str, integers))}}}"


def _server_settings(settings: PostgresPoolSettings) -> dict[str, str]:
    if not settings.statement_timeout:
        return {}
    limit = str(round(settings.statement_timeout * 1000))
    return {"statement_timeout": limit, "idle_in_transaction_session_timeout": limit}


def _origin(error: BaseException) -> BaseException:
    """What asyncpg raised, if that is what became `error`."""
    return error.__cause__ if isinstance(error, DomainError) and error.__cause__ else error
