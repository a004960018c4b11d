"""BlackSheep and asyncpg."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import uvicorn
from blacksheep import Application, FromJSON, Response, json, not_found
from blacksheep.settings.json import json_settings

COLUMNS = "p.id, p.title, p.content, p.additional_data, p.created_at, p.version"

json_settings.use(loads=orjson.loads, dumps=lambda value: orjson.dumps(value).decode())


@dataclass
class NewFeature:
    feature_name: str
    is_active: bool = True


@dataclass
class NewPost:
    title: str
    content: str
    additional_data: dict[str, Any] = field(default_factory=dict)
    features: list[NewFeature] = field(default_factory=list)


@dataclass
class Feature:
    id: int
    feature_name: str
    is_active: bool


@dataclass
class Post:
    id: int
    title: str
    content: str
    additional_data: dict[str, Any]
    created_at: datetime
    version: int


@dataclass
class PostWithFeatures(Post):
    features: list[Feature]


app = Application()


async def prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "json", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads, schema="pg_catalog"
    )


@app.lifespan
async def pooled() -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DSN"], init=prepare) as pool:
        app.services.add_instance(pool, asyncpg.Pool)
        yield


@app.router.get("/health/live")
async def live() -> Response:
    return json({"success": True, "result": {"status": "alive"}})


@app.router.get("/api/v1/posts/{post_id}")
async def get_post(post_id: int, pool: asyncpg.Pool) -> Response:
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            f"SELECT {COLUMNS}, f.id AS feature_id, f.feature_name, f.is_active FROM posts p "
            "LEFT JOIN features f ON f.post_id = p.id WHERE p.id = $1 ORDER BY f.id",
            post_id,
        )
    if not rows:
        return not_found()
    features = [Feature(*row[6:9]) for row in rows if row[6] is not None]
    return json({"success": True, "result": PostWithFeatures(*rows[0][:6], features)})


@app.router.get("/api/v1/posts")
async def list_posts(pool: asyncpg.Pool, limit: int = 20, offset: int = 0) -> Response:
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            f"SELECT {COLUMNS} FROM posts p ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2", limit, offset
        )
        total = await connection.fetchval("SELECT count(*) FROM posts")
    pagination = {"limit": limit, "offset": offset, "total": total}
    return json({"success": True, "result": [Post(*row) for row in rows], "pagination": pagination})


@app.router.post("/api/v1/posts")
async def publish_post(data: FromJSON[NewPost], pool: asyncpg.Pool) -> Response:
    new = data.value
    if not 1 <= len(new.title) <= 100 or len(new.content) > 500:
        return Response(422)
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            "INSERT INTO posts (title, content, additional_data, created_at, version) VALUES ($1, $2, $3, $4, 1) "
            "RETURNING *", new.title, new.content, new.additional_data, datetime.now(UTC),
        )  # fmt: skip
        features = []
        for each in new.features:
            feature_id = await connection.fetchval(
                "INSERT INTO features (post_id, feature_name, is_active) VALUES ($1, $2, $3) RETURNING id",
                row["id"], each.feature_name, each.is_active,
            )  # fmt: skip
            features.append(Feature(feature_id, each.feature_name, each.is_active))
    return json({"success": True, "result": PostWithFeatures(*row, features)}, status=201)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error", access_log=False)
