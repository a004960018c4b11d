"""Litestar, msgspec and asyncpg."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
import msgspec
import uvicorn
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import Parameter

COLUMNS = "p.id, p.title, p.content, p.additional_data, p.created_at, p.version"


class NewFeature(msgspec.Struct):
    feature_name: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    is_active: bool = True


class NewPost(msgspec.Struct):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    content: Annotated[str, msgspec.Meta(max_length=500)]
    additional_data: dict[str, Any] = {}
    features: Annotated[list[NewFeature], msgspec.Meta(max_length=20)] = []


class Feature(msgspec.Struct):
    id: int
    feature_name: str
    is_active: bool


class Post(msgspec.Struct):
    id: int
    title: str
    content: str
    additional_data: dict[str, Any]
    created_at: datetime
    version: int


class PostWithFeatures(Post):
    features: list[Feature]


class Health(msgspec.Struct):
    status: str


class HealthResult(msgspec.Struct):
    result: Health
    success: bool = True


class PostResult(msgspec.Struct):
    result: PostWithFeatures
    success: bool = True


class Pagination(msgspec.Struct):
    limit: int
    offset: int
    total: int


class PostPage(msgspec.Struct):
    result: list[Post]
    pagination: Pagination
    success: bool = True


async def prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "json", encoder=lambda value: msgspec.json.encode(value).decode(), decoder=msgspec.json.decode,
        schema="pg_catalog",
    )  # fmt: skip


@asynccontextmanager
async def pooled(app: Litestar) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DSN"], init=prepare) as pool:
        app.state.pool = pool
        yield


@get("/health/live")
async def live() -> HealthResult:
    return HealthResult(Health("alive"))


@get("/api/v1/posts/{post_id:int}")
async def get_post(state: State, post_id: int) -> PostResult:
    async with state.pool.acquire() as connection:
        rows = await connection.fetch(
            f"SELECT {COLUMNS}, f.id AS feature_id, f.feature_name, f.is_active FROM posts p "
            "LEFT JOIN features f ON f.post_id = p.id WHERE p.id = $1 ORDER BY f.id",
            post_id,
        )
    if not rows:
        raise NotFoundException
    features = [Feature(*row[6:9]) for row in rows if row[6] is not None]
    return PostResult(PostWithFeatures(*rows[0][:6], features))


@get("/api/v1/posts")
async def list_posts(
    state: State,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 20,
    offset: Annotated[int, Parameter(ge=0)] = 0,
) -> PostPage:
    async with state.pool.acquire() as connection:
        rows = await connection.fetch(
            f"SELECT {COLUMNS} FROM posts p ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2", limit, offset
        )
        total = await connection.fetchval("SELECT count(*) FROM posts")
    return PostPage([Post(*row) for row in rows], Pagination(limit, offset, total))


@post("/api/v1/posts")
async def publish_post(state: State, data: NewPost) -> PostResult:
    async with state.pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(
            "INSERT INTO posts (title, content, additional_data, created_at, version) VALUES ($1, $2, $3, $4, 1) "
            "RETURNING *", data.title, data.content, data.additional_data, datetime.now(UTC),
        )  # fmt: skip
        features = []
        for each in data.features:
            feature_id = await connection.fetchval(
                "INSERT INTO features (post_id, feature_name, is_active) VALUES ($1, $2, $3) RETURNING id",
                row["id"], each.feature_name, each.is_active,
            )  # fmt: skip
            features.append(Feature(feature_id, each.feature_name, each.is_active))
    return PostResult(PostWithFeatures(*row, features))


app = Litestar([live, get_post, list_posts, publish_post], lifespan=[pooled], openapi_config=None)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error", access_log=False)
