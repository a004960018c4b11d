"""Bare aiohttp and aiomysql."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiomysql

from tests.benchmarks.bare import sql
from tests.benchmarks.bare.serving import Document, added, encode, post_of, post_with_features, serve


class Mysql:
    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def _read(self, statement: str, *parameters: object) -> Any:
        async with self._pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchall()

    async def one(self, post_id: int) -> Document | None:
        post = post_with_features(await self._read(sql.one("%s"), post_id))
        return _dated(post) if post else None

    async def page(self, limit: int, offset: int) -> tuple[list[Document], int]:
        rows = await self._read(sql.page("%s", "%s"), limit, offset)
        return [_dated(post_of(row[:6])) for row in rows], rows[0][6] if rows else 0

    async def add(self, new: Document, now: datetime) -> Document:
        features = new.get("features", [])
        data, at = encode(new.get("additional_data", {})).decode(), int(now.timestamp() * 1000)
        async with self._pool.acquire() as connection, connection.cursor() as cursor:
            await connection.begin()
            await cursor.execute(sql.add("%s, %s, %s, %s"), (new["title"], new["content"], data, at))
            post_id = cursor.lastrowid
            flat = [x for each in features for x in (post_id, each["feature_name"], each.get("is_active", True))]
            if features:
                await cursor.execute(sql.add_features("%s, %s, %s", len(features)), flat)
            first = cursor.lastrowid
            await connection.commit()
        return added(post_id, [first + number for number in range(len(features))], new, now)


def _dated(post: Document) -> Document:
    return {**post, "created_at": datetime.fromtimestamp(post["created_at"] / 1000, UTC)}


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Mysql]:
    url = urlsplit(dsn)
    pool = await aiomysql.create_pool(
        host=url.hostname, port=url.port, user=url.username, password=url.password or "", db=url.path[1:],
        autocommit=True, charset="utf8mb4", minsize=1, maxsize=10,
    )  # fmt: skip
    try:
        yield Mysql(pool)
    finally:
        pool.terminate()
        await pool.wait_closed()


if __name__ == "__main__":
    serve(opened)
