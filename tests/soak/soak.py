"""The soak itself."""

import asyncio
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.workers import metric, served, workers_of
from tests.processes import Service
from tests.soak.crowd import Comers
from tests.soak.measures import Measure, measure, series
from tests.soak.verdict import Outcome, Plan, requests_between, warmed

LEAVE = 90.0
"""Seconds that a restart of all workers may take."""
SLOWLY = 6.0
"""How much slower everybody is while workers are replaced, so that there are not many more requests than promised."""
STILL = 0.3
"""Seconds without new requests before a measure, so that no connection is just being opened or closed."""
BETWEEN = 2.0
"""Seconds between two measures of workers that stay."""


async def soak(plan: Plan, tell: Callable[[str], None]) -> Outcome:
    """Replace all workers `restarts` times, then let them be for `requests`, the same crowd coming all the time."""
    end = time.monotonic() + plan.seconds
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder), workers=plan.workers, HTTP__BODY_TIMEOUT=1) as running,
    ):
        comers = await Comers.start(running)
        comers.pace = SLOWLY
        replacing: list[Measure] = []
        await _watched(running)
        lasting = [await _measured(running, comers, tell)]
        while len(replacing) < plan.restarts and time.monotonic() < end:
            await asyncio.sleep(0.5)
            await _restart(running)
            replacing.append(await _measured(running, comers, tell))
        lasting, comers.pace = replacing[-1:] or lasting, 1.0
        while requests_between(warmed(lasting, plan)) < plan.requests and time.monotonic() < end:
            await asyncio.sleep(BETWEEN)
            lasting.append(await _measured(running, comers, tell))
        await comers.leave()
        replaced = await asyncio.to_thread(metric, running.url, 'serve_worker_ends_total{reason="replaced"}')
    return Outcome(comers, replacing, lasting, int(replaced))


async def _measured(running: Service, comers: Comers, tell: Callable[[str], None]) -> Measure:
    comers.crowd.may_send.clear()
    await asyncio.sleep(STILL)
    found = await asyncio.to_thread(measure, running, comers.crowd.tally.answered)
    comers.crowd.may_send.set()
    tell(f"{found}  failing {comers.failing}  lost {len(comers.crowd.tally.failures)}")
    return found


async def _restart(running: Service) -> None:
    """Replace all workers and return when the old ones are gone."""
    before = set(workers_of(running))
    running.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(LEAVE):
        while before & set(workers_of(running)) or len(workers_of(running)) < len(before):  # noqa: ASYNC110 - processes
            await asyncio.sleep(0.1)
    await _watched(running)


async def _watched(running: Service) -> None:
    """Return when one of the workers watches the outbox, and tells how it stands: it looks once it has its turn."""
    async with asyncio.timeout(LEAVE):
        while "outbox_pending" not in await asyncio.to_thread(series, running):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
