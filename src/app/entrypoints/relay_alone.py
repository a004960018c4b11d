"""The relay of events as a process of its own."""

import asyncio
import logging
import signal
from contextlib import asynccontextmanager

from prometheus_client import start_http_server

from app.adapters.config.settings import Settings
from app.container import Container
from app.entrypoints.app import opened
from app.parts import present

logger = logging.getLogger(__name__)


async def relay_alone(settings: Settings, *, retry_dead: bool) -> None:
    """Pass events on until SIGINT or SIGTERM, and show metrics where a port is set for them."""
    container = Container(settings=settings)
    leaving = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, leaving.set)
    async with asynccontextmanager(opened)(present(container.tracing(), *container.pools())):
        if retry_dead:
            logger.info("%d events that were given up are due again.", await container.outbox().revive())
        _show_metrics(container)
        async with asynccontextmanager(opened)([container.relay_loop()]):
            await leaving.wait()


def _show_metrics(container: Container) -> None:
    container.relay_metrics()
    container.pool_metrics()
    port = container.settings().events.metrics_port
    if port is not None:
        start_http_server(port, container.settings().admin.host, container.registry())
