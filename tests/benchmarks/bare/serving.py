"""What the bare handlers share: routes, JSON, and nothing else."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
import uvloop
from aiohttp import web

Document = dict[str, Any]
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(dict[str, Any]).decode
FIELDS = ("id", "title", "content", "additional_data", "created_at", "version")


class Storage(Protocol):
    """The three questions."""

    async def one(self, post_id: int) -> Document | None: ...

    async def page(self, limit: int, offset: int) -> tuple[list[Document], int]: ...

    async def add(self, new: Document, now: datetime) -> Document: ...


def handlers(storage: Storage) -> web.RouteTableDef:
    """The routes, written as aiohttp's documentation has it."""
    routes = web.RouteTableDef()

    @routes.get("/health/live")
    async def live(request: web.Request) -> web.Response:
        return _json({"success": True, "result": {"status": "alive"}})

    @routes.get("/api/v1/posts/{post_id:[0-9]+}")
    async def get_post(request: web.Request) -> web.Response:
        post = await storage.one(int(request.match_info["post_id"]))
        if post is None:
            raise web.HTTPNotFound
        return _json({"success": True, "result": post})

    @routes.get("/api/v1/posts")
    async def list_posts(request: web.Request) -> web.Response:
        limit, offset = int(request.query.get("limit", "20")), int(request.query.get("offset", "0"))
        items, total = await storage.page(limit, offset)
        pagination = {"limit": limit, "offset": offset, "total": total}
        return _json({"success": True, "result": items, "pagination": pagination})

    @routes.post("/api/v1/posts")
    async def publish_post(request: web.Request) -> web.Response:
        new = decode(await request.read())
        if not 1 <= len(new["title"]) <= 100 or len(new["content"]) > 500:
            raise web.HTTPUnprocessableEntity
        return _json({"success": True, "result": await storage.add(new, datetime.now(UTC))}, 201)

    return routes


def _json(data: object, status: int = 200) -> web.Response:
    return web.Response(body=encode(data), status=status, content_type="application/json")


def serve(open_storage: Callable[[str], AbstractAsyncContextManager[Storage]]) -> None:
    """Serve on `PORT` of the environment, with the storage that `DSN` names, until SIGTERM."""
    app = web.Application()

    async def opened(app: web.Application) -> AsyncIterator[None]:
        async with open_storage(os.environ["DSN"]) as storage:
            app.router.add_routes(handlers(storage))
            yield

    app.cleanup_ctx.append(opened)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), loop=loop, access_log=None, print=None)


def post_of(row: Any) -> Document:
    """A row of posts; its data is text of JSON."""
    id_, title, content, data, created_at, version = row
    return {
        "id": id_,
        "title": title,
        "content": content,
        "additional_data": decode(data),
        "created_at": created_at,
        "version": version,
    }


def post_with_features(rows: Any) -> Document | None:
    """A post, from its row with each of its features."""
    if not rows:
        return None
    features = [{"id": row[6], "feature_name": row[7], "is_active": bool(row[8])} for row in rows if row[6] is not None]
    return {**post_of(rows[0][:6]), "features": features}


def added(post_id: int, feature_ids: list[int], new: Document, now: datetime) -> Document:
    """A new post as it was stored."""
    features = [
        {"id": id_, "feature_name": each["feature_name"], "is_active": each.get("is_active", True)}
        for id_, each in zip(feature_ids, new.get("features", []), strict=True)
    ]
    post = (post_id, new["title"], new["content"], new.get("additional_data", {}), now, 1)
    return {**dict(zip(FIELDS, post, strict=True)), "features": features}
