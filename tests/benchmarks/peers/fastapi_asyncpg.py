"""FastAPI, pydantic and asyncpg."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, Field

COLUMNS = "p.id, p.title, p.content, p.additional_data, p.created_at, p.version"


class NewFeature(BaseModel):
    feature_name: str = Field(min_length=1, max_length=20)
    is_active: bool = True


class NewPost(BaseModel):
    title: str = Field(min_length=1, max_length=100)
    content: str = Field(max_length=500)
    additional_data: dict[str, Any] = {}
    features: list[NewFeature] = Field(default=[], max_length=20)


class Feature(BaseModel):
    id: int
    feature_name: str
    is_active: bool


class Post(BaseModel):
    id: int
    title: str
    content: str
    additional_data: dict[str, Any]
    created_at: datetime
    version: int


class PostWithFeatures(Post):
    features: list[Feature]


class Health(BaseModel):
    status: str


class HealthResult(BaseModel):
    success: bool = True
    result: Health


class PostResult(BaseModel):
    success: bool = True
    result: PostWithFeatures


class Pagination(BaseModel):
    limit: int
    offset: int
    total: int


class PostPage(BaseModel):
    success: bool = True
    result: list[Post]
    pagination: Pagination


async def prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("json", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DSN"], init=prepare) as pool:
        app.state.pool = pool
        yield


async def connection_of(request: Request) -> AsyncIterator[Any]:
    async with request.app.state.pool.acquire() as connection:
        yield connection


Connection = Annotated[Any, Depends(connection_of)]
app = FastAPI(lifespan=lifespan)


@app.get("/health/live")
async def live() -> HealthResult:
    return HealthResult(result=Health(status="alive"))


@app.get("/api/v1/posts/{post_id}")
async def get_post(post_id: int, connection: Connection) -> PostResult:
    rows = await connection.fetch(
        f"SELECT {COLUMNS}, f.id AS feature_id, f.feature_name, f.is_active FROM posts p "
        "LEFT JOIN features f ON f.post_id = p.id WHERE p.id = $1 ORDER BY f.id",
        post_id,
    )
    if not rows:
        raise HTTPException(404)
    features = [
        Feature(id=row["feature_id"], feature_name=row["feature_name"], is_active=row["is_active"])
        for row in rows
        if row["feature_id"] is not None
    ]
    return PostResult(result=PostWithFeatures(**dict(rows[0]), features=features))


@app.get("/api/v1/posts")
async def list_posts(
    connection: Connection, limit: Annotated[int, Query(ge=1, le=1000)] = 20, offset: Annotated[int, Query(ge=0)] = 0
) -> PostPage:
    rows = await connection.fetch(
        f"SELECT {COLUMNS} FROM posts p ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2", limit, offset
    )
    total = await connection.fetchval("SELECT count(*) FROM posts")
    return PostPage(
        result=[Post(**dict(row)) for row in rows], pagination=Pagination(limit=limit, offset=offset, total=total)
    )


@app.post("/api/v1/posts", status_code=201)
async def publish_post(new: NewPost, connection: Connection) -> PostResult:
    async with connection.transaction():
        row = await connection.fetchrow(
            "INSERT INTO posts (title, content, additional_data, created_at, version) VALUES ($1, $2, $3, $4, 1) "
            "RETURNING *", new.title, new.content, new.additional_data, datetime.now(UTC),
        )  # fmt: skip
        features = [
            Feature(
                id=await connection.fetchval(
                    "INSERT INTO features (post_id, feature_name, is_active) VALUES ($1, $2, $3) RETURNING id",
                    row["id"], each.feature_name, each.is_active,
                ),
                feature_name=each.feature_name,
                is_active=each.is_active,
            )
            for each in new.features
        ]  # fmt: skip
    return PostResult(result=PostWithFeatures(**dict(row), features=features))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="error", access_log=False)
