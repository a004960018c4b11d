"""Bare aiohttp and asyncpg."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from tests.benchmarks.bare import sql
from tests.benchmarks.bare.serving import Document, added, encode, post_of, post_with_features, serve


class Postgres:
    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def one(self, post_id: int) -> Document | None:
        async with self._pool.acquire() as connection:
            return post_with_features(await connection.fetch(sql.one("$1"), post_id))

    async def page(self, limit: int, offset: int) -> tuple[list[Document], int]:
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(sql.page("$1", "$2"), limit, offset)
        return [post_of(row[:6]) for row in rows], rows[0][6] if rows else 0

    async def add(self, new: Document, now: datetime) -> Document:
        data = encode(new.get("additional_data", {})).decode()
        async with self._pool.acquire() as connection, connection.transaction():
            post_id = await connection.fetchval(
                sql.add("$1, $2, $3, $4") + " RETURNING id", new["title"], new["content"], data, now
            )
            ids = []
            for each in new.get("features", []):
                values = (post_id, each["feature_name"], each.get("is_active", True))
                ids.append(await connection.fetchval(sql.add_features("$1, $2, $3", 1) + " RETURNING id", *values))
        return added(post_id, ids, new, now)


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Postgres]:
    async with asyncpg.create_pool(dsn) as pool:
        yield Postgres(pool)


if __name__ == "__main__":
    serve(opened)
