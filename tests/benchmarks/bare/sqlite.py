"""Bare aiohttp and aiosqlite: a connection to write with, and four to read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import aiosqlite

from tests.benchmarks.bare import sql
from tests.benchmarks.bare.serving import Document, added, encode, post_of, post_with_features, serve

READERS = 4


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


class Sqlite:
    def __init__(self, writer: aiosqlite.Connection, readers: "asyncio.LifoQueue[aiosqlite.Connection]") -> None:
        self._writer, self._readers, self._lock = writer, readers, asyncio.Lock()

    async def _read(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        connection = await self._readers.get()
        try:
            return list(await connection.execute_fetchall(statement, parameters))  # type: ignore[arg-type] # rows
        finally:
            self._readers.put_nowait(connection)

    async def one(self, post_id: int) -> Document | None:
        post = post_with_features(await self._read(sql.one("?"), post_id))
        return _dated(post) if post else None

    async def page(self, limit: int, offset: int) -> tuple[list[Document], int]:
        rows = await self._read(sql.page("?", "?"), limit, offset)
        return [_dated(post_of(row[:6])) for row in rows], int(rows[0][6]) if rows else 0  # type: ignore[call-overload]

    async def add(self, new: Document, now: datetime) -> Document:
        features, ids = new.get("features", []), []
        data = encode(new.get("additional_data", {})).decode()
        async with self._lock:
            await self._writer.execute("BEGIN IMMEDIATE")
            values = (new["title"], new["content"], data, _milliseconds(now))
            rows = list(await self._writer.execute_fetchall(sql.add("?, ?, ?, ?") + " RETURNING id", values))
            if features:
                flat = [x for each in features for x in (rows[0][0], each["feature_name"], each.get("is_active", True))]
                statement = sql.add_features("?, ?, ?", len(features)) + " RETURNING id"
                ids = sorted(row[0] for row in await self._writer.execute_fetchall(statement, flat))
            await self._writer.commit()
        return added(rows[0][0], ids, new, now)


def _dated(post: Document) -> Document:
    return {**post, "created_at": datetime.fromtimestamp(post["created_at"] / 1000, UTC)}


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Sqlite]:
    async with AsyncExitStack() as stack:
        connections = [
            await stack.enter_async_context(aiosqlite.connect(dsn, isolation_level=None)) for _ in range(READERS + 1)
        ]
        for connection in connections:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                await connection.execute_fetchall(f"PRAGMA {pragma}")
        readers: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        for connection in connections[1:]:
            readers.put_nowait(connection)
        yield Sqlite(connections[0], readers)


if __name__ == "__main__":
    serve(opened)
