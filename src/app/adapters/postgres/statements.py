"""Where the repositories' statements run: in the pools, each by itself, or in a transaction."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from app.adapters.gathering import Gatherable, Gathered, Key
from app.adapters.named_pools import NamedPools
from app.adapters.postgres.pool import PostgresPool, Row
from app.context import note_write


class Statements(Protocol):
    """A pool's or a transaction's way to run one statement."""

    def read(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        """The rows of a query, as of the last commit."""
        ...

    def gather(self, query: Gatherable, *key: int, stale: bool = False) -> Awaitable[Sequence[Row]]:
        """The rows of a key, as of the last commit, or `stale`: they may lag behind a little."""
        ...

    def read_stale(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        """The rows of a query which may lag behind a little."""
        ...

    def write(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        """Run a statement that changes something; its RETURNING rows."""
        ...


class PooledStatements:
    """Statements that are committed one by one, in the pool that fits each.

    The parameters of a gathered one are texts: an array would cost a look into the catalogue on every connection.
    """

    def __init__(self, pools: NamedPools[PostgresPool]) -> None:
        self._pools = pools
        self._gathered: dict[tuple[PostgresPool, Gatherable], Gathered[Key, Sequence[Row]]] = {}

    def read(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        return self._pools.primary.fetch(sql, parameters)

    def gather(self, query: Gatherable, *key: int, stale: bool = False) -> Awaitable[Sequence[Row]]:
        if stale:
            return self._pools.read_stale(lambda pool: self._gathered_in(pool, query).read(key))
        return self._gathered_in(self._pools.primary, query).read(key)

    def read_stale(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        return self._pools.read_stale(lambda pool: pool.fetch(sql, parameters))

    def write(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        note_write()
        return self._pools.primary.fetch(sql, parameters)

    def _gathered_in(self, pool: PostgresPool, query: Gatherable) -> Gathered[Key, Sequence[Row]]:
        found = self._gathered.get((pool, query))
        if found is None:
            found = self._gathered[pool, query] = _gathered(pool, query)
        return found


def _gathered(pool: PostgresPool, query: Gatherable) -> Gathered[Key, Sequence[Row]]:
    async def many(keys: Sequence[Key]) -> Mapping[Key, Sequence[Row]]:
        found: dict[Key, list[Row]] = {}
        size = len(keys[0])
        for row in await pool.fetch(
            query.many, [f"{{{','.join(map(str, each))}}}" for each in zip(*keys, strict=True)]
        ):
            found.setdefault(tuple(row[-size:]), []).append(row)
        return found

    return Gathered(lambda key: pool.fetch(query.one, key), many, (), query.at_most)
