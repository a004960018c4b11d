"""One connection to MySQL or MariaDB: aiomysql's, with what that lacks."""

import asyncio
import math
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import aiomysql
import attrs
from pymysql import err
from pymysql.constants import CLIENT, CR

from app.adapters.mysql.settings import MysqlPoolSettings, address_of

Row = tuple[Any, ...]

SQL_MODE = (
    "STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION"
)
IDLE_MARGIN = 60
"""Seconds by which the server keeps an idle connection longer than the pool uses it."""
UNKNOWN_THREAD = 1094
_QUIT = b"\x01\x00\x00\x00\x01"
"""A packet of one byte, COM_QUIT."""


@attrs.frozen
class Result:
    """What a statement did: the rows it gave, how many it changed, and the first id it made."""

    rows: Sequence[Row]
    changed: int
    first_id: int


@attrs.frozen
class Thread:
    """A connection as the server knows it. Ids start anew with a server; with the client's port they tell it apart."""

    id: int
    client: str


class MysqlConnection(aiomysql.Connection):  # type: ignore[misc]  # aiomysql comes without types
    """A session for this service: autocommit, strict, UTF-8, READ COMMITTED, every wait at the server limited."""

    def __init__(self, settings: MysqlPoolSettings, tls: ssl.SSLContext | None) -> None:
        address = address_of(settings.dsn)
        super().__init__(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password.reveal(),
            db=address.database,
            charset="utf8mb4",
            autocommit=True,
            ssl=tls,
            program_name="aiohttp-service-template",
        )
        # aiomysql always asks for it: an injected statement could then bring others along.
        self.client_flag &= ~CLIENT.MULTI_STATEMENTS
        self._settings = settings
        self.thread: Thread | None = None
        self.idle_since = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether the server was still there when this process last heard of it."""
        return self._writer is not None and not self._reader.eof_received and self._reader.exception() is None

    @property
    def was_interrupted(self) -> bool:
        """Whether a statement was given up while the server was working on it."""
        return self._close_reason is not None

    async def open(self) -> None:
        """Log in and set the session up, all within `connect_timeout`. Raises TimeoutError and pymysql's errors."""
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                await self.log_in()
                await self.run(_session(self._settings, self.get_server_info()))
                self.thread = await self._find_thread()
        except BaseException:
            self.leave()
            raise

    async def log_in(self) -> None:
        """Connect, for a statement or two that need no session of their own."""
        await self._connect()

    async def run(self, sql: str, parameters: Iterable[object] = ()) -> Result:
        """Run one statement. A cancelled one closes the connection; the server goes on with it until told otherwise."""
        await self.query(sql % tuple(map(self.escape, parameters)))
        result = self._result
        return Result(result.rows or (), result.affected_rows, result.insert_id or 0)

    async def kill(self, thread: Thread) -> None:
        """End another connection and what it is doing, unless it has ended."""
        # Behind a balancer this may be another server, where the same id is somebody else's.
        found = await self.run(
            "SELECT 1 FROM information_schema.processlist WHERE id = %s AND host = %s", (thread.id, thread.client)
        )
        if found.rows:
            try:
                await self.run("KILL %s", (thread.id,))
            except err.OperationalError as error:
                if error.args[0] != UNKNOWN_THREAD:
                    raise

    def cut(self) -> None:
        """Break the connection under whoever uses it, who gets an error."""
        if self._writer is not None:
            self._writer.transport.abort()

    def leave(self) -> None:
        """Say goodbye and close the socket, without waiting. For a connection that nobody uses."""
        if self._writer is None:
            return
        if self.is_sound:
            self._write_bytes(_QUIT)
        self.close()

    async def _find_thread(self) -> Thread | None:
        found = await self.run("SELECT id, host FROM information_schema.processlist WHERE id = connection_id()")
        return Thread(*found.rows[0]) if found.rows else None

    async def _request_authentication(self) -> None:
        # aiomysql goes on without TLS where the server, or who stands in its place, doesn't offer it.
        if self._ssl_context is not None and not self.server_capabilities & CLIENT.SSL:
            raise err.OperationalError(CR.CR_SSL_CONNECTION_ERROR, "TLS is required and the server doesn't offer it")
        await super()._request_authentication()


def _session(settings: MysqlPoolSettings, version: str) -> str:
    """What a session needs. MySQL limits only the time of reads; waits for locks are limited on both."""
    lock_wait = max(1, math.ceil(settings.statement_timeout))
    if "MariaDB" in version:
        isolation, limit = "tx_isolation", f"max_statement_time = {settings.statement_timeout:.3f}"
    else:
        isolation, limit = (
            "transaction_isolation",
            f"max_execution_time = {max(1, round(settings.statement_timeout * 1000))}",
        )
    return (
        f"SET NAMES utf8mb4, sql_mode = '{SQL_MODE}', {isolation} = 'READ-COMMITTED', {limit}, "
        f"innodb_lock_wait_timeout = {lock_wait}, lock_wait_timeout = {lock_wait}, "
        f"wait_timeout = {math.ceil(settings.pool_recycle) + IDLE_MARGIN}"
    )
