"""A small service of the kit's own, whose one handler waits as long as a test wants, and raw connections to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
from aiohttp import web
from prometheus_client import CollectorRegistry

from app.context import remaining
from app.entrypoints.api.errors import translate_error
from app.entrypoints.http.access import public, requires
from app.entrypoints.http.access_log import AccessLog
from app.entrypoints.http.definition import definition, response, response_raw
from app.entrypoints.http.endpoint import HttpKit
from app.entrypoints.http.metrics import HttpMetrics, MetricsHandlers, OwnMetrics
from app.entrypoints.http.routing import setup_routes, setup_unmatched
from app.entrypoints.http.server import ServerLimits
from app.entrypoints.http.tokens import SecretTokens, TokenRules
from tests.e2e.service import Client, serving

TOKENS = SecretTokens("a secret for tests, of 32 bytes or more", TokenRules("issuer", "audience"))


@attrs.frozen
class Note:
    """Something to send."""

    text: str


class Handlers:
    """Routes to put under load."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.at_work = 0

    @definition(path="/work", access=public, responses={"200": response(str)})
    async def work(self) -> str:
        """Wait until the test lets go."""
        self.at_work += 1
        try:
            await self.go_on.wait()
        finally:
            self.at_work -= 1
        return "done"

    @definition(path="/time", access=public, responses={"200": response(float)})
    async def time(self) -> float:
        """Tell how much time is left."""
        return remaining(1000)

    @definition(path="/notes", methods="POST", access=public, responses={"201": response(Note)})
    async def note(self, body: Note) -> Note:
        """Give back what was sent."""
        return body

    @definition(path="/closed", access=requires("a"), responses={"200": response(str)})
    async def closed(self) -> str:
        """Answer to those who may."""
        return "open"

    @definition(path="/large", access=public, responses={"200": response_raw("text/plain")})
    async def large(self) -> web.StreamResponse:
        """Send more than any buffer takes."""
        return web.Response(body=b"x" * 40_000_000)

    @definition(path="/page", access=public, responses={"200": response(str)})
    async def page(self) -> str:
        """Send an encoded answer that a buffer may just take."""
        return "x" * 400_000

    @definition(path="/health", access=public, responses={"200": response(str)}, limited=False)
    async def health(self) -> str:
        """Live."""
        return "alive"


@attrs.frozen
class StandIn:
    """The running service."""

    client: Client
    handlers: Handlers
    port: int


@asynccontextmanager
async def stand_in(limits: ServerLimits | None = None, **parts: Any) -> AsyncIterator[StandIn]:
    """The service, with these parts in its kit."""
    registry, handlers = CollectorRegistry(), Handlers()
    kit = HttpKit(
        metrics=HttpMetrics(registry), access_log=AccessLog(as_json=True), tokens=TOKENS,
        translate_error=translate_error, **parts,
    )  # fmt: skip
    app = web.Application()
    setup_routes(app, kit, [handlers, MetricsHandlers(OwnMetrics(registry))])
    setup_unmatched(app, kit)
    async with serving(app, limits) as port, aiohttp.ClientSession() as session:
        yield StandIn(Client(session, port), handlers, port)
        handlers.go_on.set()


async def until(condition: Any, seconds: float = 5) -> None:
    """Return when the condition holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is anything a test can ask
            await asyncio.sleep(0.01)


async def rest_of(reader: asyncio.StreamReader, seconds: float = 20) -> bytes:
    """All that comes until the server ends the connection, which fails the test when it doesn't."""
    async with asyncio.timeout(seconds):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
