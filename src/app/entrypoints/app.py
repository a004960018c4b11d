"""From a container to an application that opens what it needs, serves, and closes everything again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

from aiohttp import web

from app.adapters.config.settings import Settings
from app.container import Container
from app.entrypoints.http.endpoint import HttpKit
from app.entrypoints.http.openapi import ApiInfo
from app.entrypoints.http.routing import setup_routes, setup_unmatched
from app.entrypoints.http.server import LEAVING
from app.entrypoints.http.swagger import setup_swagger
from app.entrypoints.logs import set_level
from app.ports.health import Resource

logger = logging.getLogger(__name__)

API_PATH = "/api/v1"
DESCRIPTION = (
    "Posts with features, and pages of app stores. Every answer is an envelope: `success` with a `result`, or `code`, "
    "`message` and `errors`; with `Accept: application/problem+json`, errors are problem details (RFC 9457)."
)
AUTHENTICATION = (
    "A signed token (JWT) with the scopes that an operation names. In development `make token` prints one that may "
    "write posts: paste it here."
)
OPEN_TIMEOUT = 30.0
CLOSE_TIMEOUT = 5.0
LEAVE_TIMEOUT = 3.0


def create_app(container: Container) -> web.Application:
    """The application of this container's graph. Nothing is opened before the application starts.

    Health and metrics are a part of it unless they have a port of their own. Raises MountError for a route that
    can't be served as it is declared.
    """
    settings, kit = container.settings(), container.kit()
    app = web.Application(client_max_size=kit.body.size)
    setup_routes(app, kit, container.api(), API_PATH)
    if settings.admin.port is None:
        setup_routes(app, kit, container.operations())
    setup_swagger(app, kit, _about(settings, metered=kit.meter is not None))
    setup_unmatched(app, kit)
    app.cleanup_ctx.append(lambda _: opened(container.resources()))
    app.setdefault(LEAVING, []).append(lambda: _leave(container))
    app.on_shutdown.append(lambda _: _leave(container))
    container.live().subscribe(lambda changed: _adopt(changed, kit))
    container.pool_metrics()
    container.readiness_metrics()
    container.process_metrics()
    container.consul_metrics()
    if settings.events.relay:
        container.relay_metrics()
    return app


def create_admin_app(container: Container) -> web.Application:
    """Health and metrics alone, for a port of their own, beside the application that opens what they tell of."""
    app, kit = web.Application(client_max_size=container.kit().body.size), container.kit()
    setup_routes(app, kit, container.operations())
    setup_unmatched(app, kit)
    return app


def _adopt(settings: Settings, kit: HttpKit) -> None:
    """Let settings that changed while the service runs hold for the next request."""
    set_level(settings.log.level)
    kit.request_timeout = settings.http.request_timeout
    kit.body.size, kit.body.seconds = settings.http.body_limit, settings.http.body_timeout
    kit.admission.limit = settings.http.in_flight_limit


def _about(settings: Settings, *, metered: bool) -> ApiInfo:
    """What the documentation says of the service."""
    return ApiInfo(
        settings.name, settings.version, description=DESCRIPTION, metered=metered, authentication=AUTHENTICATION
    )


async def _leave(container: Container) -> None:
    """Say that no new work is to be sent here. Doing it twice does nothing."""
    container.readiness().drain()
    try:
        async with asyncio.timeout(LEAVE_TIMEOUT):
            await container.consul().leave()
    except TimeoutError:
        logger.warning("Could not leave Consul in time.")


async def opened(resources: Sequence[Resource]) -> AsyncIterator[None]:
    """Open resources in order; afterwards, or when one of them fails to open, close them all in reverse.

    Each step has a limit, and a step that fails doesn't keep the others from being taken.
    """
    async with AsyncExitStack() as stack:
        for resource in resources:
            stack.push_async_callback(_close, resource)
            async with asyncio.timeout(OPEN_TIMEOUT):
                await resource.open()
        yield


async def _close(resource: Resource) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await resource.close()
    except (Exception, asyncio.CancelledError):
        # Closing goes on whatever happens here: what is left open is named in the log.
        logger.exception("Could not close %s in order.", type(resource).__name__)
