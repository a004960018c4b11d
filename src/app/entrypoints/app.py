"""From a container to an application that opens what it needs, serves, and closes everything again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

from aiohttp import web

from app.container import Container
from app.entrypoints.api.health import Readiness
from app.entrypoints.http.openapi import ApiInfo
from app.entrypoints.http.routing import setup_routes, setup_unmatched
from app.entrypoints.http.swagger import setup_swagger
from app.ports.health import Resource

logger = logging.getLogger(__name__)

API_PATH = "/api/v1"
OPEN_TIMEOUT = 30.0
CLOSE_TIMEOUT = 5.0


def create_app(container: Container) -> web.Application:
    """The application of this container's graph. Nothing is opened before the application starts.

    Raises MountError for a route that can't be served as it is declared.
    """
    settings, kit = container.settings(), container.kit()
    app = web.Application(client_max_size=kit.body.size)
    setup_routes(app, kit, container.api(), API_PATH)
    setup_routes(app, kit, container.operations())
    setup_swagger(app, kit, ApiInfo(title=settings.name, version=settings.version))
    setup_unmatched(app, kit)
    app.cleanup_ctx.append(lambda _: opened(container.resources()))
    app.on_shutdown.append(lambda _: _drain(container.readiness()))
    container.pool_metrics()
    return app


async def _drain(readiness: Readiness) -> None:
    readiness.drain()


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
