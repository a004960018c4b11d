"""What a service holds: memory, descriptors, metric series."""

import statistics
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import attrs

from tests.e2e.workers import port_of, workers_of
from tests.processes import Service

MIB = 2**20
ESTABLISHED = "01"
LOOKS = 3


@attrs.frozen
class Held:
    """MiB of memory and descriptors of one process; connections that a client has open are not among them."""

    memory: float
    descriptors: int


@attrs.frozen
class Measure:
    """What everything holds after so many requests; workers by their process's number."""

    requests: int
    parent: Held
    workers: dict[int, Held]
    series: frozenset[str]

    def __str__(self) -> str:
        workers = "  ".join(f"{each.memory:5.1f} MiB {each.descriptors}" for each in self.workers.values())
        parent = f"{self.parent.memory:5.1f} MiB {self.parent.descriptors}"
        return f"{self.requests:8} requests  parent {parent}  workers {workers}  {len(self.series)} series"


def measure(running: Service, requests: int) -> Measure:
    """Look at all processes. A connection that is just being opened or closed counts for a moment: the least counts."""
    looks = [_look(running) for _ in range(LOOKS)]
    parent = Held(looks[-1][0].memory, min(look[0].descriptors for look in looks))
    workers = {
        pid: Held(held.memory, min(look[1][pid].descriptors for look in looks if pid in look[1]))
        for pid, held in looks[-1][1].items()
    }
    return Measure(requests, parent, workers, series(running))


def _look(running: Service) -> tuple[Held, dict[int, Held]]:
    time.sleep(0.03)
    port, pid = port_of(running), running.process.pid
    return _held(pid, port), {each: _held(each, port) for each in workers_of(running)}


def _held(pid: int, port: int) -> Held:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    clients = _connections(pid, port)
    descriptors = [_target(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
    return Held(pages * 4096 / MIB, sum(each not in clients for each in descriptors))


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # closed meanwhile
        return "socket:[0]"


def _connections(pid: int, port: int) -> set[str]:
    """The sockets of connections that both sides hold open, and of none."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    found = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED}
    return found | {"socket:[0]"}


def series(running: Service) -> frozenset[str]:
    """The names and labels of all that /metrics tells."""
    with urllib.request.urlopen(f"{running.url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return frozenset(line.rpartition(" ")[0] for line in lines if not line.startswith("#"))


def slope(points: Iterable[tuple[float, float]]) -> float:
    """MiB per 100,000 requests, of pairs of requests and MiB."""
    requests, memory = zip(*points, strict=True)
    return 100_000 * statistics.linear_regression(requests, memory).slope if len(set(requests)) > 1 else 0.0
