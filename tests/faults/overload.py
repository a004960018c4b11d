"""`make overload`: three times as much as the service can do, and 10,000 connections that say nothing.

The service is the kit in a process of its own; its storage is a stand-in with 10 connections, each busy for 20 ms a
call, so that 500 requests a second are all it can do. Requests come at their times, whether earlier ones are answered
or not.
"""

import asyncio
import itertools
import os
import platform
import resource
import subprocess
import sys
import time
from contextlib import ExitStack

import attrs
import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry

from app.entrypoints.http.access import public
from app.entrypoints.http.access_log import AccessLog
from app.entrypoints.http.admission import Admission
from app.entrypoints.http.definition import definition, response
from app.entrypoints.http.endpoint import HttpKit
from app.entrypoints.http.metrics import HttpMetrics
from app.entrypoints.http.routing import setup_routes
from app.entrypoints.http.server import EnvelopeRunner, ServerLimits
from app.entrypoints.http.tokens import SecretTokens, TokenRules
from tests.benchmarks.load import Measured, load
from tests.processes import ROOT, free_port

POOL, CALL = 10, 0.02
CAPACITY = POOL / CALL
SECONDS = 10
IDLE = 10_000
REQUEST = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Handlers:
    """One route that needs the storage, and one that doesn't."""

    def __init__(self) -> None:
        self._pool = asyncio.Semaphore(POOL)

    @definition(path="/row", access=public, responses={"200": response(str)})
    async def row(self) -> str:
        """Take a connection for a while."""
        async with self._pool:
            await asyncio.sleep(CALL)
        return "row"

    @definition(path="/health", access=public, responses={"200": response(str)}, limited=False)
    async def health(self) -> str:
        """Live."""
        return "alive"


async def serve(port: int, limit: int) -> None:
    """Serve until the process is ended."""
    kit = HttpKit(
        metrics=HttpMetrics(CollectorRegistry()),
        access_log=AccessLog(as_json=True),
        tokens=SecretTokens("x" * 32, TokenRules("a", "b")),
        translate_error=lambda error: None,
        admission=Admission(limit),
    )
    app = web.Application()
    setup_routes(app, kit, [Handlers()])
    runner = EnvelopeRunner(app, ServerLimits())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


@attrs.define
class Seen:
    """Times of answers in seconds, by status."""

    times: dict[int, list[float]] = attrs.field(factory=dict)

    def add(self, status: int, seconds: float) -> None:
        self.times.setdefault(status, []).append(seconds)

    def percentile(self, status: int, share: float) -> float:
        times = sorted(self.times.get(status, [0.0]))
        return times[min(len(times) - 1, int(len(times) * share))]


class Callers:
    """Sends requests at their times, over as many connections as that takes."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def call(self, seen: Seen) -> None:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(10):
                pair = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
                pair[1].write(REQUEST % b"/row")
                head = await pair[0].readuntil(b"\r\n\r\n")
                length = head.partition(b"Content-Length: ")[2].partition(b"\r")[0]
                await pair[0].readexactly(int(length))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            seen.add(0, time.perf_counter() - started)
            return
        self._idle.append(pair)
        seen.add(int(head[9:12]), time.perf_counter() - started)

    async def offer(self, rate: float, seconds: float) -> Seen:
        """`rate` requests a second for some seconds."""
        seen, calls, started = Seen(), set(), time.perf_counter()
        for number in range(int(rate * seconds)):
            late = started + number / rate - time.perf_counter()
            if late > 0:
                await asyncio.sleep(late)
            call = asyncio.create_task(self.call(seen))
            calls.add(call)
            call.add_done_callback(calls.discard)
        if calls:
            await asyncio.wait(calls, timeout=15)
        return seen

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


def started(stack: ExitStack, limit: int) -> int:
    """The port of a new server."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.overload", str(port), str(limit)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    stack.callback(process.wait, 10)
    stack.callback(process.kill)
    return port


async def ready(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def overload(port: int, name: str) -> None:
    """Tell what comes of three times the capacity."""
    await ready(port)
    callers = Callers(port)
    usual = await callers.offer(CAPACITY * 0.7, 3)
    seen = await callers.offer(CAPACITY * 3, SECONDS)
    callers.close()
    good = len(seen.times.get(200, ())) / SECONDS
    others = {status: len(times) for status, times in sorted(seen.times.items()) if status not in (200, 503)}
    cells = (
        f"{good:.0f}/s, {good / CAPACITY:.0%} of capacity",
        *(f"{milliseconds * 1e3:.1f} ms" for milliseconds in
          (usual.percentile(200, 0.99), seen.percentile(200, 0.99), seen.percentile(503, 0.99))),
        others or "none",
    )  # fmt: skip
    print(f"| {name} | {' | '.join(map(str, cells))} |")


async def crowd(port: int) -> None:
    """Tell what connections that say nothing do to the others."""
    await ready(port)
    before = await measured(port)
    idle = []
    for _ in range(IDLE // 100):
        idle += await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(100)))
    for _, writer in idle:
        writer.write(REQUEST % b"/health")
    for reader, _ in idle:
        await reader.readuntil(b"\r\n\r\n")
    among = await measured(port)
    for _, writer in idle:
        writer.close()
    one, other = before.percentile(0.99) * 1e3, among.percentile(0.99) * 1e3
    print(f"\n{IDLE} idle connections: p99 of the others {other:.1f} ms, {one:.1f} ms without them.")


async def measured(port: int) -> Measured:
    return await load(port, itertools.repeat(REQUEST % b"/health"), 16, 3)


async def main() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(
        f"Python {platform.python_version()}, capacity {CAPACITY:.0f}/s, offered {CAPACITY * 3:.0f}/s for {SECONDS} s\n"
    )
    print(
        "| in-flight limit | answered | p99 at 70 % | p99 of 200s | p99 of 503s | others |\n|---|---|---|---|---|---|"
    )
    with ExitStack() as stack:
        await overload(started(stack, 3 * POOL), "3 × pool")
    with ExitStack() as stack:
        await overload(started(stack, sys.maxsize), "none")
    with ExitStack() as stack:
        await crowd(started(stack, 3 * POOL))


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 1 else main())
