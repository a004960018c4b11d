"""Where the repositories' statements run."""

from collections.abc import Awaitable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from app.adapters.gathering import Gatherable, Key
from app.adapters.mysql.connection import Result, Row
from app.adapters.mysql.pool import MysqlPool, Transaction
from app.adapters.named_pools import NamedPools


class Statements(Protocol):
    """Where statements run: the pools, each on its own, or a transaction."""

    async def read(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """The rows of one query."""
        ...

    async def read_stale(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """The rows of one query that may be a little old."""
        ...

    def gather(self, query: Gatherable, key: Key) -> Awaitable[Sequence[Row]]:
        """The rows of one key."""
        ...

    async def write(self, sql: str, parameters: Iterable[object] = ()) -> Result:
        """Run one statement that changes something."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Several statements, all or nothing."""
        ...


class MysqlStatements:
    """Statements on the named pools: the primary, and the replica for reads that may be a little old."""

    def __init__(self, pools: NamedPools[MysqlPool]) -> None:
        self._pools = pools

    async def read(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """The rows of one query, as of now."""
        return await self._pools.primary.read(sql, parameters)

    async def read_stale(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[Row]:
        """The rows of one query, from the replica where that will do."""
        return await self._pools.read_stale(lambda pool: pool.read(sql, parameters))

    def gather(self, query: Gatherable, key: Key) -> Awaitable[Sequence[Row]]:
        """The rows of one key, as of now."""
        return self._pools.primary.gather(query, key)

    async def write(self, sql: str, parameters: Iterable[object] = ()) -> Result:
        """Run one statement that changes something, and commit."""
        return await self._pools.primary.write(sql, parameters)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Several statements, all or nothing."""
        return self._pools.primary.transaction()
