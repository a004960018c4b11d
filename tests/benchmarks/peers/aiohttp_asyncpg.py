"""aiohttp and asyncpg, with nothing around them."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import uvloop
from aiohttp import web

POOL: web.AppKey[asyncpg.Pool] = web.AppKey("pool", asyncpg.Pool)
COLUMNS = "p.id, p.title, p.content, p.additional_data, p.created_at, p.version"


def json_response(data: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json")


def as_post(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "title": row["title"],
        "content": row["content"],
        "additional_data": row["additional_data"],
        "created_at": row["created_at"],
        "version": row["version"],
    }


def as_feature(row: Any) -> dict[str, Any]:
    return {"id": row["feature_id"], "feature_name": row["feature_name"], "is_active": row["is_active"]}


async def live(request: web.Request) -> web.Response:
    return json_response({"success": True, "result": {"status": "alive"}})


async def get_post(request: web.Request) -> web.Response:
    async with request.app[POOL].acquire() as connection:
        rows = await connection.fetch(
            f"SELECT {COLUMNS}, f.id AS feature_id, f.feature_name, f.is_active FROM posts p "
            "LEFT JOIN features f ON f.post_id = p.id WHERE p.id = $1 ORDER BY f.id",
            int(request.match_info["post_id"]),
        )
    if not rows:
        raise web.HTTPNotFound
    features = [as_feature(row) for row in rows if row["feature_id"] is not None]
    return json_response({"success": True, "result": {**as_post(rows[0]), "features": features}})


async def list_posts(request: web.Request) -> web.Response:
    limit, offset = int(request.query.get("limit", "20")), int(request.query.get("offset", "0"))
    async with request.app[POOL].acquire() as connection:
        rows = await connection.fetch(
            f"SELECT {COLUMNS} FROM posts p ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2", limit, offset
        )
        total = await connection.fetchval("SELECT count(*) FROM posts")
    pagination = {"limit": limit, "offset": offset, "total": total}
    return json_response({"success": True, "result": [as_post(row) for row in rows], "pagination": pagination})


async def publish_post(request: web.Request) -> web.Response:
    body = await request.json(loads=orjson.loads)
    title, content, features = body["title"], body["content"], body.get("features", [])
    if not 1 <= len(title) <= 100 or len(content) > 500:
        raise web.HTTPUnprocessableEntity
    data, now = body.get("additional_data", {}), datetime.now(UTC)
    async with request.app[POOL].acquire() as connection, connection.transaction():
        post_id = await connection.fetchval(
            "INSERT INTO posts (title, content, additional_data, created_at, version) VALUES ($1, $2, $3, $4, 1) "
            "RETURNING id", title, content, data, now,
        )  # fmt: skip
        made = []
        for each in features:
            name, is_active = each["feature_name"], each.get("is_active", True)
            feature_id = await connection.fetchval(
                "INSERT INTO features (post_id, feature_name, is_active) VALUES ($1, $2, $3) RETURNING id",
                post_id, name, is_active,
            )  # fmt: skip
            made.append({"id": feature_id, "feature_name": name, "is_active": is_active})
    post = {"id": post_id, "title": title, "content": content, "additional_data": data, "created_at": now, "version": 1}
    return json_response({"success": True, "result": {**post, "features": made}}, status=201)


async def prepare(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "json", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads, schema="pg_catalog"
    )


async def pooled(app: web.Application) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DSN"], init=prepare) as pool:
        app[POOL] = pool
        yield


async def many(request: web.Request) -> web.Response:
    return json_response({"success": True, "result": {"status": "alive"}})


def make_app() -> web.Application:
    app = web.Application()
    app.cleanup_ctx.append(pooled)
    app.router.add_get("/health/live", live)
    app.router.add_get("/api/v1/posts/{post_id:[0-9]+}", get_post)
    app.router.add_get("/api/v1/posts", list_posts)
    app.router.add_post("/api/v1/posts", publish_post)
    for number in range(int(os.environ.get("ROUTES", "0"))):
        app.router.add_get(f"/many/{{name}}/r{number}", many)
    return app


if __name__ == "__main__":
    loop = uvloop.new_event_loop()
    web.run_app(make_app(), host="127.0.0.1", port=int(os.environ["PORT"]), loop=loop, access_log=None, print=None)
