"""Spans of SQL (https://opentelemetry.io/docs/specs/semconv/database/database-spans/): what is done to which table.

Statements themselves are not recorded, nor their parameters. Outside of any trace there are no spans: looking for
events, or asking a pool whether it is well, would make a trace a second.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache
from typing import Any, TypeVar, cast

import attrs

from app.adapters.gathering import Gatherable, Key
from app.adapters.named_pools import NamedPools
from app.tracing import Kind, Spans, current_span

P = TypeVar("P")

_OPERATION = re.compile(r"\w+")
_TABLE = re.compile(r"\b(?:from|into|update)\s+([a-z_]\w*)\b(?!\()", re.IGNORECASE)


@lru_cache(maxsize=4096)
def operation_of(sql: str) -> str:
    """`SELECT`, or whatever the statement begins with."""
    found = _OPERATION.search(sql)
    return found[0].upper() if found else "SQL"


@lru_cache(maxsize=4096)
def table_of(sql: str) -> str | None:
    """The first table that the statement names."""
    found = _TABLE.search(sql)
    return found[1].lower() if found else None


@attrs.frozen
class StatementSpans:
    """Makes the spans of one storage, `system` as the conventions call it."""

    spans: Spans
    system: str

    @contextmanager
    def of(self, sql: str) -> Iterator[None]:
        """The span of one statement, if it belongs to a trace."""
        if current_span.get() is None:
            yield
            return
        operation, table = operation_of(sql), table_of(sql)
        attributes = {"db.system.name": self.system, "db.operation.name": operation}
        if table is not None:
            attributes["db.collection.name"] = table
        with self.spans.span(Kind.CLIENT, f"{operation} {table or ''}".rstrip(), attributes):
            yield


class TracedStatements:
    """Stands in for a pool or a transaction: the same, and a span for each statement.

    A read that is gathered with others has a span of its own, from when it asks to when it gets its rows.
    """

    def __init__(self, statements: Any, spans: StatementSpans) -> None:
        self._statements = statements
        self._spans = spans

    def __getattr__(self, name: str) -> Any:
        # Opening, closing, usage: all that is no statement.
        return getattr(self._statements, name)

    async def fetch(self, sql: str, parameters: Any = ()) -> Any:
        with self._spans.of(sql):
            return await self._statements.fetch(sql, parameters)

    async def read(self, sql: str, parameters: Any = ()) -> Any:
        with self._spans.of(sql):
            return await self._statements.read(sql, parameters)

    async def read_stale(self, sql: str, parameters: Any = ()) -> Any:
        with self._spans.of(sql):
            return await self._statements.read_stale(sql, parameters)

    async def write(self, sql: str, parameters: Any = ()) -> Any:
        with self._spans.of(sql):
            return await self._statements.write(sql, parameters)

    def gather(self, query: Gatherable, key: Key, **options: bool) -> Awaitable[Sequence[Any]]:
        return self._gathered(query, key, options)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["TracedStatements"]:
        with self._spans.of("TRANSACTION"):
            async with self._statements.transaction() as transaction:
                yield TracedTransaction(transaction, self._spans)

    async def _gathered(self, query: Gatherable, key: Key, options: dict[str, bool]) -> Sequence[Any]:
        with self._spans.of(query.one):
            rows: Sequence[Any] = await self._statements.gather(query, key, **options)
            return rows


class TracedTransaction(TracedStatements):
    """Stands in for a transaction."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[TracedStatements]:
        """This one: what is done in it is part of it."""
        yield self


def traced_pool(pool: P, spans: Spans | None, system: str) -> P:
    """The pool with spans; without `spans`, the pool."""
    if spans is None:
        return pool
    return cast("P", TracedStatements(pool, StatementSpans(spans, system)))  # it has all that a pool has


def traced_pools(pools: NamedPools[P], spans: Spans | None, system: str) -> NamedPools[P]:
    """All pools of a storage with spans; without `spans`, the pools."""
    return pools if spans is None else pools.each(lambda pool: traced_pool(pool, spans, system))
