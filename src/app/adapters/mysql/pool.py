"""Pools of MySQL or MariaDB: statements, each on its own or several in a transaction, every wait limited."""

import logging
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from app.adapters.config.setting import variable
from app.adapters.gathering import Gatherable, GatheredRows, Key
from app.adapters.mysql.connection import MysqlConnection, Result, Row
from app.adapters.mysql.connections import FAILURES, Connections, within
from app.adapters.mysql.errors import not_opened, translated
from app.adapters.mysql.settings import MysqlPoolSettings
from app.adapters.named_pools import REPLICA, NamedPools, open_within
from app.adapters.storage_errors import Failures, StorageRefused, aborted
from app.context import note_write
from app.domain.errors import Unavailable
from app.ports.health import PoolUsage

logger = logging.getLogger(__name__)


class MysqlPool:
    """One named pool. A resource; making it does no I/O."""

    def __init__(self, name: str, settings: MysqlPoolSettings) -> None:
        self.name = name
        self.is_required = name != REPLICA
        self.where = f"{variable(('mysql', name, 'dsn'))}: {settings.dsn}"
        self._settings = settings
        self._failures = Failures()
        self._connections: Connections | None = None
        self._gathered: GatheredRows[Row] = GatheredRows(self._read_by_integers, _as_list)

    async def open(self) -> None:
        """Connect, trying for as long as the settings say. Raises Unavailable, naming the setting.

        A pool that isn't required is tried once and warned of: it connects when its server is there.
        """
        try:
            connections = Connections(self._settings)
        except OSError as error:
            where = variable(("mysql", self.name, "tls_ca"))
            raise StorageRefused(f"Check {where} and the settings beside it: {error}.") from error

        async def fill() -> None:
            try:
                await connections.fill()
            except FAILURES as error:
                raise self._not_usable(error) from error

        try:
            await (open_within(self._settings.open_timeout, fill) if self.is_required else fill())
        except Unavailable as error:
            if self.is_required:
                await connections.close()
                raise
            logger.warning("The service starts without it. %s", error)
        self._connections = connections

    async def close(self) -> None:
        """Close all connections; statements that run get a moment to end."""
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.close()

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        try:
            await self.read("SELECT 1")
        except Unavailable as error:
            raise self._not_usable(error) from error

    def usage(self) -> PoolUsage:
        """How busy it is."""
        found = self._connections
        return PoolUsage(found.size, found.in_use, found.waiting) if found is not None else PoolUsage(0, 0, 0)

    async def read(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """The rows of one query, as of now. Raises Unavailable."""
        return (await self._run(sql, parameters)).rows

    def gather(self, query: Gatherable, key: Key) -> Awaitable[Sequence[Row]]:
        """The rows of one key, in one statement with others that are asked for at the same time."""
        return self._gathered.read(query, key)

    async def write(self, sql: str, parameters: Iterable[object] = ()) -> Result:
        """Run one statement that changes something, and commit. Raises what errors.py tells."""
        note_write()
        return await self._run(sql, parameters)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """Several statements in one transaction, committed on a clean exit and rolled back otherwise."""
        note_write()
        try:
            with translated():
                async with self._lend() as connection:
                    transaction = Transaction(connection, self._settings.statement_timeout)
                    await transaction.write("START TRANSACTION")
                    yield transaction
                    await transaction.write("COMMIT")
        except Unavailable as error:
            self._failures.note(error)
            raise

    def failures(self) -> Mapping[str, int]:
        """What its calls failed of."""
        return self._failures.counts

    def _not_usable(self, error: Exception) -> Unavailable:
        why = error.__cause__ if isinstance(error, Unavailable) and isinstance(error.__cause__, FAILURES) else error
        return not_opened(variable(("mysql", self.name, "dsn")), str(self._settings.dsn), why)

    async def _read_by_integers(self, sql: str, parameters: Sequence[object]) -> Sequence[Row]:
        # Put in as they are: integers need no escaping, and the driver has none for several of them.
        return await self.read(sql % tuple(parameters))

    async def _run(self, sql: str, parameters: Iterable[object]) -> Result:
        try:
            with translated():
                async with self._lend() as connection, within(self._settings.statement_timeout):
                    return await connection.run(sql, parameters)
        except Unavailable as error:
            self._failures.note(error)
            raise

    def _lend(self) -> AbstractAsyncContextManager[MysqlConnection]:
        if self._connections is None:
            raise Unavailable("The storage is not open.")
        return self._connections.lend()


class Transaction:
    """Statements of one transaction; each has its own time."""

    def __init__(self, connection: MysqlConnection, statement_timeout: float) -> None:
        self._connection = connection
        self._timeout = statement_timeout
        self._is_over = False

    async def read(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """The rows of one query, with what this transaction wrote."""
        return (await self.write(sql, parameters)).rows

    async def read_stale(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """The same as `read`: a transaction sees what it wrote."""
        return await self.read(sql, parameters)

    async def gather(self, query: Gatherable, key: Key) -> Sequence[Row]:
        """The rows of one key, with what this transaction wrote."""
        return await self.read(query.one, key)

    async def write(self, sql: str, parameters: Iterable[object] = ()) -> Result:
        """Run one statement. Raises what errors.py tells, and TransactionAborted ever after Unavailable."""
        if self._is_over:
            # The server ended the transaction, not the session: what came now would be committed at once.
            raise aborted()
        try:
            with translated():
                async with within(self._timeout):
                    return await self._connection.run(sql, parameters)
        except Unavailable:
            self._is_over = True
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Transaction"]:
        """This one: what is done in it is part of it."""
        yield self


def _as_list(integers: Sequence[int]) -> str:
    return ",".join(map(str, map(int, integers)))


def make_mysql_pools(settings: Mapping[str, MysqlPoolSettings]) -> NamedPools[MysqlPool]:
    """A pool for each name that has settings."""
    return NamedPools({name: MysqlPool(name, each) for name, each in settings.items()})
