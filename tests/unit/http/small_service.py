"""A service of a few handlers on the kit alone, as another project would mount it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from app.entrypoints.http.access import Caller, InvalidToken
from app.entrypoints.http.endpoint import HttpKit
from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.metrics import HttpMetrics
from app.entrypoints.http.routing import setup_routes, setup_unmatched


@attrs.define
class AccessLines:
    """Keeps what it is told of each request."""

    lines: list[tuple[Any, ...]] = attrs.field(factory=list)

    def record(self, *line: Any) -> None:
        self.lines.append(line)


class FakeTokens:
    """A token is a list of scopes with commas; `bad` is none."""

    async def verify(self, token: str) -> Caller:
        if token == "bad":
            raise InvalidToken(token)
        return Caller("somebody", frozenset(token.split(",")))


def translate(error: Exception) -> HttpError | None:
    """What this service makes of its own errors: a LookupError is a 404, a ConnectionError of its storage a 503."""
    if isinstance(error, LookupError):
        return HttpError(404, "NOT_HERE", "Look elsewhere.")
    if isinstance(error, NotImplementedError):
        return HttpError(503, "NOT_YET", "Try again later.")
    return None


def a_kit(**changes: Any) -> HttpKit:
    """A kit with a registry of its own; `changes` are its fields."""
    parts: dict[str, Any] = {
        "metrics": HttpMetrics(CollectorRegistry()),
        "access_log": AccessLines(),
        "tokens": FakeTokens(),
        "translate_error": translate,
    }
    return HttpKit(**(parts | changes))


def an_app(*handlers: object, kit: HttpKit | None = None, base_path: str = "") -> web.Application:
    """An application with the routes of `handlers`, and nothing else."""
    kit = kit or a_kit()
    app = web.Application(client_max_size=kit.body.size)
    setup_routes(app, kit, handlers, base_path)
    setup_unmatched(app, kit)
    return app


@asynccontextmanager
async def serving(*handlers: object, **options: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of such an application."""
    async with TestClient(TestServer(an_app(*handlers, **options))) as client:
        yield client
