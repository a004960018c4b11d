"""Serves an application in this process until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable

import uvloop
from aiohttp import web

from app.entrypoints.http.server import EnvelopeRunner, ServerLimits


def serve(make_app: Callable[[], web.Application], host: str, port: int, limits: ServerLimits) -> None:
    """Serve on `host` and `port` until SIGINT or SIGTERM; then answer what was accepted, and close everything."""
    uvloop.run(_serve(make_app, host, port, limits))


async def _serve(make_app: Callable[[], web.Application], host: str, port: int, limits: ServerLimits) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runner = EnvelopeRunner(make_app(), limits)
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        await stop.wait()
    finally:
        await runner.cleanup()
