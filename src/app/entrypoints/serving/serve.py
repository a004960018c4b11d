"""`serve`: the service with several workers."""

import asyncio
import os

from app.adapters.config.settings import Settings
from app.entrypoints.serving.handover import Handover
from app.entrypoints.serving.listening import sockets_for
from app.entrypoints.serving.process import Heritage
from app.entrypoints.serving.supervisor import Plan, Supervisor

CLOSING = 60.0
"""Seconds that a worker may take to close its resources after it has drained: each of them has a limit of its own."""
IMPORTING = 30.0
"""Seconds on top of a worker's own limit to become ready, so that it can say itself what is wrong."""


def serve(settings: Settings, workers: int) -> None:
    """Serve with `workers` processes until SIGTERM or SIGINT. Raises ServerError when none of them can start."""
    asyncio.run(_serve(settings, workers))


async def _serve(settings: Settings, workers: int) -> None:
    http = settings.http
    plan = Plan(
        workers=workers,
        start_timeout=settings.serve.start_timeout + IMPORTING,
        patience=http.drain_wait + http.shutdown_timeout + CLOSING,
    )
    heritage = Heritage(sockets_for(settings, os.environ), Handover.make())
    await Supervisor(plan, heritage).run()
