"""app_pages as it answers when all is well: six calls, with what a MemoryStorePages holds."""

from typing import Any

from aiohttp import web

from app.domain.errors import NotFound, Unavailable
from app.domain.model.store_pages import Store, StoreApp
from app.ports.store_pages import StorePages


def stand_in(pages: StorePages) -> web.Application:
    """The server; `pages` may be changed while it runs."""
    app = web.Application()
    handlers = _Handlers(pages)
    app.add_routes(
        [
            web.get("/v1/{store}/apps/{app_id}", handlers.app_data),
            web.get("/v1/{store}/developers/{developer_id}/name", handlers.developer_name),
            web.get("/v1/{store}/developers/{developer_id}/context", handlers.developer_context),
            web.get("/v1/{store}/developers/{developer_id}/apps", handlers.developer_apps),
            web.get("/v1/{store}/featured-posts", handlers.featured_posts),
            web.get("/v1/{store}/blocked-apps", handlers.blocked_apps),
        ]
    )
    app.middlewares.append(_failures)
    return app


@web.middleware
async def _failures(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except (NotFound, Unavailable) as error:
        return web.json_response({"error": error.message}, status=404 if isinstance(error, NotFound) else 503)
    return answer


class _Handlers:
    def __init__(self, pages: StorePages) -> None:
        self._pages = pages

    async def app_data(self, request: web.Request) -> web.Response:
        app = await self._pages.app_data(_store(request), request.match_info["app_id"])
        return web.json_response(_app(app))

    async def developer_name(self, request: web.Request) -> web.Response:
        name = await self._pages.developer_name(_store(request), request.match_info["developer_id"])
        return web.json_response({"name": name})

    async def developer_context(self, request: web.Request) -> web.Response:
        found = await self._pages.developer_context(_store(request), request.match_info["developer_id"])
        return web.json_response(
            {"country": found.country, "website": found.website, "verified": found.is_verified, "since": 2019}
        )

    async def developer_apps(self, request: web.Request) -> web.Response:
        apps = await self._pages.developer_apps(_store(request), request.match_info["developer_id"])
        return web.json_response({"apps": [_app(app) for app in apps]})

    async def featured_posts(self, request: web.Request) -> web.Response:
        posts = await self._pages.featured_posts(_store(request), int(request.query["limit"]))
        rows = [{"title": post.title, "url": post.url, "published_at": post.published_at.isoformat()} for post in posts]
        return web.json_response({"posts": rows})

    async def blocked_apps(self, request: web.Request) -> web.Response:
        ids = request.query["ids"].split(",") if "ids" in request.query else None
        return web.json_response({"app_ids": await self._pages.blocked_apps(_store(request), ids)})


def _store(request: web.Request) -> Store:
    try:
        return Store(request.match_info["store"])
    except ValueError as error:
        raise NotFound("There is no such store.") from error


def _app(app: StoreApp) -> dict[str, object]:
    # It knows more than is asked of it, as upstreams do.
    return {
        "id": app.id, "title": app.title, "developer_id": app.developer_id, "category": app.category,
        "rating": app.rating, "downloads": 12_000,
    }  # fmt: skip
