"""Two servers that do the same work: a bare aiohttp handler, and the kit with every feature on.

`python -m tests.benchmarks.kit KIND LOG`, listening on `PORT`. Both read the same types with the same converters, give
back the same JSON, run on uvloop, and collect garbage as seldom. The bare one has no metrics, access log, deadline,
request id, error mapping, access check, load shedding, rate limit, CORS, links, security headers or watch over slow
clients.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from app.domain.model.features import Feature
from app.domain.model.paging import Page
from app.domain.model.posts import NewPost, Post, PostQuery, PostWithFeatures
from app.entrypoints.api.errors import translate_error
from app.entrypoints.api.health import Health
from app.entrypoints.http.access import public
from app.entrypoints.http.access_log import AccessLog
from app.entrypoints.http.converters import body_decoder, path_reader, query_reader
from app.entrypoints.http.cors import Cors, CorsRules
from app.entrypoints.http.definition import definition, response, response_pagination
from app.entrypoints.http.endpoint import HttpKit
from app.entrypoints.http.envelope import page_encoder, result_encoder
from app.entrypoints.http.metrics import HttpMetrics
from app.entrypoints.http.rate_limit import Meter, RatePolicy, TokenBuckets
from app.entrypoints.http.routing import setup_routes, setup_unmatched
from app.entrypoints.http.server import EnvelopeRunner, ServerLimits
from app.entrypoints.http.tokens import SecretTokens, TokenRules
from app.entrypoints.serving.worker import spare_the_collector

PLENTY = RatePolicy(1e6, 10**6)
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
POSTS = [
    Post(n, f"Title {n}", "Some content of a usual length " * 3, {"tags": ["a", "b"]}, NOW, 1) for n in range(1, 21)
]
POST = PostWithFeatures(
    1, "Title 1", "Some content", {}, NOW, 1, [Feature(1, "comments", True), Feature(2, "likes", True)]
)


class BareHandlers:
    """Written as aiohttp's documentation would have it, with our converters."""

    def __init__(self) -> None:
        self._read_id = path_reader("post_id", int)
        self._read_query = query_reader(PostQuery)
        self._read_body = body_decoder(NewPost)
        self._health = result_encoder(Health)
        self._post = result_encoder(PostWithFeatures)
        self._page = page_encoder(Post)

    async def health(self, request: web.Request) -> web.Response:
        return web.Response(body=self._health(Health("ready")), content_type="application/json")

    async def get(self, request: web.Request) -> web.Response:
        self._read_id(request.match_info["post_id"])
        return web.Response(body=self._post(POST), content_type="application/json")

    async def page(self, request: web.Request) -> web.Response:
        query = self._read_query(request.query)
        return web.Response(
            body=self._page(Page(POSTS, query.limit, query.offset, 20)), content_type="application/json"
        )

    async def publish(self, request: web.Request) -> web.Response:
        self._read_body(await request.read())
        return web.Response(body=self._post(POST), status=201, content_type="application/json")


class KitHandlers:
    """The same work in the kit."""

    @definition(path="/health/live", access=public, responses={"200": response(Health)})
    async def health(self) -> Health:
        """Tell that the service is ready."""
        return Health("ready")

    @definition(path="/api/v1/posts/{post_id}", access=public, responses={"200": response(PostWithFeatures)})
    async def get(self, post_id: int) -> PostWithFeatures:
        """Show a post."""
        return POST

    @definition(path="/api/v1/posts", access=public, responses={"200": response_pagination(Post)})
    async def page(self, query: PostQuery) -> Page[Post]:
        """List posts."""
        return Page(POSTS, query.limit, query.offset, 20)

    @definition(path="/api/v1/posts", methods="POST", access=public, responses={"201": response(PostWithFeatures)})
    async def publish(self, body: NewPost) -> PostWithFeatures:
        """Publish a post."""
        return POST


def bare() -> web.AppRunner:
    app, handlers = web.Application(), BareHandlers()
    app.router.add_get("/health/live", handlers.health)
    app.router.add_get("/api/v1/posts/{post_id:[0-9]{1,19}}", handlers.get)
    app.router.add_get("/api/v1/posts", handlers.page)
    app.router.add_post("/api/v1/posts", handlers.publish)
    return web.AppRunner(app, access_log=None)


def kit(log: Path) -> web.AppRunner:
    stream = log.open("w")
    access_log = AccessLog(as_json=True, stream=stream)
    parts = HttpKit(
        metrics=HttpMetrics(CollectorRegistry()),
        access_log=access_log,
        tokens=SecretTokens("x" * 32, TokenRules("a", "b")),
        translate_error=translate_error,
        meter=Meter(TokenBuckets(PLENTY), PLENTY),
        cors=Cors(CorsRules(("https://app.example.org",), ("GET", "POST"), ("Authorization",))),
    )
    app = web.Application()
    setup_routes(app, parts, [KitHandlers()])
    setup_unmatched(app, parts)

    async def logging(_: web.Application) -> Any:
        await access_log.open()
        yield
        await access_log.close()

    app.cleanup_ctx.append(logging)
    return EnvelopeRunner(app, ServerLimits())


async def main(kind: str, port: int, log: Path) -> None:
    runner = kit(log) if kind == "kit" else bare()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    spare_the_collector()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(os.environ["PORT"]), Path(sys.argv[2])))
