"""`make bench`: what the HTTP kit costs, beside a bare aiohttp handler that does the same work, in one run.

The two take turns for several rounds; the table has medians, and in brackets the spread. CPU is the server's own.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import attrs
import uvloop

from tests.benchmarks.load import load
from tests.processes import ROOT, free_port

BODY = json.dumps(
    {
        "title": "A title of usual length",
        "content": "Some content of usual length " * 5,
        "additional_data": {"language": "en", "tags": ["a", "b"], "minutes": 3},
        "features": [{"feature_name": "comments", "is_active": True}, {"feature_name": "likes"}],
    }
).encode()
HEAD = "{} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n"
CASES: dict[str, bytes] = {
    "health": HEAD.format("GET /health").encode() + b"\r\n",
    "one post": HEAD.format("GET /posts/1").encode() + b"\r\n",
    "page of 20": HEAD.format("GET /posts?limit=20&sort=title&sort_dir=asc").encode() + b"\r\n",
    "publish": HEAD.format("POST /posts").encode()
    + f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode()
    + BODY,
}
STATUSES = {"publish": 201}


@attrs.frozen
class Result:
    """One round of one case: requests per second, server CPU µs per request, p99 in ms."""

    rate: float
    cpu: float
    p99: float


class Server:
    """A server process on a core of its own."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.servers", kind, str(self.port), str(folder / f"{kind}.log")],
            cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        pin(self._process.pid, 0)
        self._read_cpu()

    def cpu(self) -> float:
        """CPU seconds used so far."""
        self._process.send_signal(signal.SIGUSR1)
        return self._read_cpu()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _read_cpu(self) -> float:
        assert self._process.stdout is not None
        return float(json.loads(self._process.stdout.readline())["cpu"])


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, where the system can and has several."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {core})


async def measure(server: Server, case: str, connections: int, seconds: float) -> Result:
    before = server.cpu()
    measured = await load(server.port, CASES[case], connections, seconds)
    used = server.cpu() - before
    assert measured.statuses.keys() == {STATUSES.get(case, 200)}, measured.statuses
    return Result(measured.requests / measured.seconds, used / measured.requests * 1e6, measured.percentile(0.99) * 1e3)


async def compare(rounds: int, seconds: float, connections: int, folder: Path) -> dict[str, dict[str, list[Result]]]:
    servers = {kind: Server(kind, folder) for kind in ("bare", "kit")}
    results: dict[str, dict[str, list[Result]]] = {case: {kind: [] for kind in servers} for case in CASES}
    try:
        for case in CASES:
            for server in servers.values():
                await measure(server, case, connections, seconds / 4)
            for _ in range(rounds):
                for kind, server in servers.items():
                    results[case][kind].append(await measure(server, case, connections, seconds))
    finally:
        for server in servers.values():
            server.stop()
    return results


def shown(found: list[Result], pick: Callable[[Result], float], form: str) -> str:
    values = [pick(result) for result in found]
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def table(results: dict[str, dict[str, list[Result]]]) -> str:
    lines = [
        "| case | server | requests/s | CPU µs per request | p99 ms | throughput, kit ÷ bare | CPU, bare ÷ kit |",
        "|---|---|---|---|---|---|---|",
    ]
    for case, kinds in results.items():
        for kind, found in kinds.items():
            cells = [
                shown(found, lambda r: r.rate, ",.0f"),
                shown(found, lambda r: r.cpu, ".1f"),
                shown(found, lambda r: r.p99, ".1f"),
            ]
            ratios = ["", ""]
            if kind == "kit":
                bare = kinds["bare"]
                ratios = [
                    f"{median(found, 'rate') / median(bare, 'rate'):.2f}",
                    f"{median(bare, 'cpu') / median(found, 'cpu'):.2f}",
                ]
            lines.append(f"| {case} | {kind} | {' | '.join(cells + ratios)} |")
    return "\n".join(lines)


def median(found: list[Result], name: str) -> float:
    values: list[float] = [getattr(result, name) for result in found]
    return statistics.median(values)


def main() -> None:
    options = argparse.ArgumentParser(prog="make bench ARGS=…")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=2.0)
    options.add_argument("--connections", type=int, default=64)
    given = options.parse_args()
    pin(os.getpid(), 1)
    with tempfile.TemporaryDirectory() as folder:
        results = uvloop.run(compare(given.rounds, given.seconds, given.connections, Path(folder)))
    told = f"{given.connections} connections, {given.rounds} rounds of {given.seconds} s"
    print(f"Python {platform.python_version()}, {told}\n")
    print(table(results))


if __name__ == "__main__":
    main()
