"""Where the repositories' statements run: in the pools, each by itself, or in a transaction."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from app.adapters.gathering import Gatherable, Key
from app.adapters.named_pools import NamedPools
from app.adapters.postgres.pool import PostgresPool, Row
from app.context import note_write


class Statements(Protocol):
    """A pool's or a transaction's way to run one statement: SELECT, INSERT, UPDATE, DELETE or WITH.

    Any other raises ValueError, as does one that leaves something behind in its session: docs/decisions/0019. What
    needs LISTEN or a session's lock opens a connection of its own.
    """

    def read(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        """The rows of a query, as of the last commit."""
        ...

    def gather(self, query: Gatherable, key: Key, *, stale: bool = False) -> Awaitable[Sequence[Row]]:
        """The rows of a key, as of the last commit, or `stale`: they may lag behind a little."""
        ...

    def read_stale(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        """The rows of a query which may lag behind a little."""
        ...

    def write(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        """Run a statement that changes something; its RETURNING rows."""
        ...


class PooledStatements:
    """Statements that are committed one by one, in the pool that fits each."""

    def __init__(self, pools: NamedPools[PostgresPool]) -> None:
        self._pools = pools

    def read(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        return self._pools.primary.fetch(sql, parameters)

    def gather(self, query: Gatherable, key: Key, *, stale: bool = False) -> Awaitable[Sequence[Row]]:
        if stale:
            return self._pools.read_stale(lambda pool: pool.gather(query, key))
        return self._pools.primary.gather(query, key)

    def read_stale(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        return self._pools.read_stale(lambda pool: pool.fetch(sql, parameters))

    def write(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        note_write()
        return self._pools.primary.fetch(sql, parameters)
