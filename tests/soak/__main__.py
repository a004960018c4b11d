"""`make soak`: workers replaced again and again under load, by clients that never retry, and what is left of each.

Tells how many requests failed, and whether memory, descriptors and metrics of the service grow. Ends with 1 when a
request failed, when descriptors or series grew, or memory by more than 5 MiB per 100,000 requests.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import attrs

from tests.commands import token_of
from tests.e2e.workers import metric, port_of, served, workers_of
from tests.processes import Service
from tests.soak.measures import Measure, grown, measure, slope
from tests.unforgiving import Crowd, Requests, pausing

LEAVE = 90.0
"""Seconds that a restart of all workers may take."""


@attrs.frozen
class Plan:
    restarts: int
    requests: int
    seconds: float


def a_crowd(running: Service) -> tuple[Crowd, list["asyncio.Task[None]"]]:
    """Busy clients on kept and on new connections, slow ones, and 120 that idle for 1 to 60 s between two POSTs."""
    crowd = Crowd(port_of(running), Requests(token_of(running)))
    requests = crowd.requests
    clients = [
        *(crowd.client(requests.mixed, pausing(0, 0.004)) for _ in range(16)),
        *(crowd.client(requests.mixed, pausing(0, 0.01), keeps=False) for _ in range(8)),
        *(crowd.client(requests.slow, pausing(0, 0.05)) for _ in range(8)),
        *(crowd.client(requests.post, pausing(1, 10)) for _ in range(60)),
        *(crowd.client(requests.post, pausing(10, 60)) for _ in range(60)),
    ]
    return crowd, [asyncio.create_task(client) for client in clients]


async def restart(running: Service) -> None:
    """Replace all workers and return when the old ones are gone."""
    before = set(workers_of(running))
    running.process.send_signal(1)
    async with asyncio.timeout(LEAVE):
        while before & set(workers_of(running)) or len(workers_of(running)) < len(before):  # noqa: ASYNC110 - processes
            await asyncio.sleep(0.1)


async def soak(running: Service, plan: Plan) -> tuple[Crowd, list[Measure]]:
    crowd, tasks = a_crowd(running)
    measures, end, restarts = [], time.monotonic() + plan.seconds, 0
    while (restarts < plan.restarts or crowd.tally.answered < plan.requests) and time.monotonic() < end:
        await asyncio.sleep(1)
        if restarts < plan.restarts:
            await restart(running)
            restarts += 1
        measures.append(await asyncio.to_thread(measure, running, crowd.tally.answered))
        print(f"{restarts:4} restarts  {measures[-1]}  failed {len(crowd.tally.failures)}", flush=True)
    crowd.stopped = True
    _, late = await asyncio.wait(tasks, timeout=5)
    for task in late:  # those that would sleep for up to a minute
        task.cancel()
    return crowd, measures


def verdict(crowd: Crowd, measures: list[Measure], plan: Plan) -> list[str]:
    """What went wrong, in words."""
    wrong = [f"{count} requests: {what}" for what, count in Counter(crowd.tally.failures).most_common()]
    if crowd.tally.refused:
        wrong.append(f"{crowd.tally.refused} connections were refused")
    if crowd.tally.answered < plan.requests:
        wrong.append(f"the time was over after {crowd.tally.answered} requests")
    return wrong + grown(measures)


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1800, help="the most that it may take")
    given = parser.parse_args()
    plan = Plan(given.restarts, given.requests, given.seconds)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), workers=given.workers) as running:
        crowd, measures = await soak(running, plan)
        replaced = await asyncio.to_thread(metric, running.url, 'serve_worker_ends_total{reason="replaced"}')
    wrong = verdict(crowd, measures, plan)
    print(f"{crowd.tally.answered} requests answered, {replaced:g} workers replaced, ", end="")
    print(f"memory of the parent {slope(measures):+.2f} MiB per 100,000 requests")
    print("\n".join(wrong) or "Nothing was lost, nothing grew.")
    return 1 if wrong else 0


sys.exit(asyncio.run(main()))
