"""The service in this one process, as `run` starts it."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvloop

from app.adapters.config.loading import Loaded
from app.container import Container
from app.entrypoints.serving.link import Reason
from app.entrypoints.serving.listening import sockets_for
from app.entrypoints.serving.worker import Worker, spare_the_collector

FAILED_BY_SIGNAL = 128
"""A process that a signal ended is told as 128 + its number by shells."""


def serve_alone(loaded: Loaded, when_it_serves: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGINT or SIGTERM; then answer what was accepted, and close everything. A second one ends at once."""
    uvloop.run(_serve_alone(loaded, when_it_serves))


async def _serve_alone(loaded: Loaded, when_it_serves: Callable[[], None]) -> None:
    leaving = leave_on_signals()
    worker = Worker(Container(settings=loaded.settings, loaded=loaded), sockets_for(loaded.settings, os.environ))
    try:
        if await opened_before(leaving, worker):
            spare_the_collector()
            await worker.accept()
            when_it_serves()
            await worker.leave(await leaving)
    finally:
        await worker.close()


def leave_on_signals() -> "asyncio.Future[Reason]":
    """Becomes the reason to leave with the first SIGINT or SIGTERM; the second one ends this process at once."""
    loop = asyncio.get_running_loop()
    leaving: asyncio.Future[Reason] = loop.create_future()

    def leave(number: signal.Signals) -> None:
        if leaving.done():
            os._exit(FAILED_BY_SIGNAL + number)
        leaving.set_result(Reason.INTERRUPTED if number is signal.SIGINT else Reason.STOP)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave, number)
    return leaving


async def opened_before(leaving: "asyncio.Future[Reason]", worker: Worker, ready_within: float | None = None) -> bool:
    """Open the worker; False when it has to leave first. Raises what opening raises."""
    opening = asyncio.create_task(_open(worker, ready_within))
    await first_of(opening, leaving)
    if opening.done():
        opening.result()
        return True
    opening.cancel()
    with suppress(asyncio.CancelledError):
        await opening
    return False


async def first_of(*futures: "asyncio.Future[Any]", seconds: float | None = None) -> None:
    """Return when one of them is done, or after `seconds`; none of them is cancelled."""
    await asyncio.wait(futures, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


async def _open(worker: Worker, ready_within: float | None) -> None:
    await worker.open()
    if ready_within is not None:
        await worker.wait_until_ready(ready_within)
