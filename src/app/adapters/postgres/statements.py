"""Where the repositories' statements run: in the pools, each by itself, or in a transaction."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from app.adapters.gathering import ById, Gathered
from app.adapters.named_pools import NamedPools
from app.adapters.postgres.pool import PostgresPool, Row
from app.context import note_write


class Statements(Protocol):
    """A pool's or a transaction's way to run one statement."""

    def read(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        """The rows of a query, as of the last commit."""
        ...

    def read_by_id(self, query: ById, id_: int) -> Awaitable[Sequence[Row]]:
        """The rows that belong to an id, as of the last commit."""
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
        self._gathered: dict[ById, Gathered[Sequence[Row]]] = {}

    def read(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        return self._pools.primary.fetch(sql, parameters)

    def read_by_id(self, query: ById, id_: int) -> Awaitable[Sequence[Row]]:
        gathered = self._gathered.get(query)
        if gathered is None:
            gathered = self._gathered[query] = self._gather(query)
        return gathered.read(id_)

    def read_stale(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        return self._pools.read_stale(lambda pool: pool.fetch(sql, parameters))

    def write(self, sql: str, parameters: Sequence[object] = ()) -> Awaitable[Sequence[Row]]:
        note_write()
        return self._pools.primary.fetch(sql, parameters)

    def _gather(self, query: ById) -> Gathered[Sequence[Row]]:
        fetch = self._pools.primary.fetch

        async def many(ids: Sequence[int]) -> Mapping[int, Sequence[Row]]:
            found: dict[int, list[Row]] = {}
            for row in await fetch(query.many, (f"{{{','.join(map(str, ids))}}}",)):
                found.setdefault(row[0], []).append(row)
            return found

        return Gathered(lambda id_: fetch(query.one, (id_,)), many, ())
