"""What a service holds: memory, descriptors, metric series. And whether it grows."""

import statistics
import urllib.request
from pathlib import Path

import attrs

from tests.e2e.workers import workers_of
from tests.processes import Service

MIB = 2**20
SLOPE = 5.0
"""MiB that may be added per 100,000 requests."""


@attrs.frozen
class Measure:
    """After `requests`: MiB of the parent and of all processes, descriptors of the parent, metric series."""

    requests: int
    parent: float
    total: float
    descriptors: int
    series: int

    def __str__(self) -> str:
        return (
            f"{self.requests:8} requests  parent {self.parent:6.1f} MiB, {self.descriptors} descriptors"
            f"  all {self.total:6.1f} MiB  {self.series} series"
        )


def resident(pid: int) -> float:
    """MiB of memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / MIB


def measure(running: Service, requests: int) -> Measure:
    pid = running.process.pid
    with urllib.request.urlopen(f"{running.url}/metrics", timeout=10) as answer:
        series = sum(not line.startswith(b"#") for line in answer)
    parent = resident(pid)
    total = parent + sum(resident(each) for each in workers_of(running))
    return Measure(requests, parent, total, len(list(Path(f"/proc/{pid}/fd").iterdir())), series)


def steady(measures: list[Measure]) -> list[Measure]:
    """Without the warm-up, its first third."""
    return measures[len(measures) // 3 :]


def slope(measures: list[Measure]) -> float:
    """MiB that the parent grows per 100,000 requests; its workers are new each time."""
    rest = steady(measures)
    if len({each.requests for each in rest}) < 2:
        return 0.0
    return 100_000 * statistics.linear_regression([each.requests for each in rest], [each.parent for each in rest])[0]


def grown(measures: list[Measure]) -> list[str]:
    """What grew, in words."""
    rest, wrong = steady(measures), []
    if slope(measures) > SLOPE:
        wrong.append(f"the parent grows by {slope(measures):.1f} MiB per 100,000 requests")
    if max(each.descriptors for each in rest) - min(each.descriptors for each in rest) > 2:
        wrong.append(f"descriptors: {sorted({each.descriptors for each in rest})}")
    if len({each.series for each in rest}) > 1:
        wrong.append(f"series: {sorted({each.series for each in rest})}")
    return wrong
