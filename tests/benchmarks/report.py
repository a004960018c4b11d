"""The tables of docs/performance.md."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from tests.benchmarks.comparing import Plan, Result, Series
from tests.benchmarks.growth import IDLE, Growth

Compared = Mapping[tuple[str, int], Mapping[str, Series]]
"""By case and number of connections: the rounds of each server."""

INTRODUCTION = """\
# Performance

The whole service with every feature on (validation, metrics, access log to a file, request id, deadline, error
mapping, envelope, access check), beside others that do the same work. One server process on one core, the load and
the database on the other; servers take turns; medians, and in brackets the spread. **× requests/s** is how many times
the requests of that server the service answers, **× CPU** how many times the CPU of the service that server takes for
a request: above 1 the service is ahead. Ratios hold from machine to machine, absolute figures don't. Where the load
or the database is what is slow, CPU per request still tells what a server costs.

Made by `make bench` on {machine}, {date}: {plan}.
"""


def introduction(plan: Plan) -> str:
    names = ("aiohttp", "asyncpg", "uvloop", "msgspec")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    machine = f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
    told = f"{plan.rounds} rounds of {plan.seconds} s"
    return INTRODUCTION.format(machine=machine, date=datetime.now(UTC).date(), plan=told)


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:  # noqa: PTH123 - it is no path of ours
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def cpu(result: Result) -> float:
    return result.cpu


def rate(result: Result) -> float:
    return result.rate


def p99(result: Result) -> float:
    return result.p99


def database(result: Result) -> float:
    return result.database


def compared(found: Compared, base: str = "ours") -> str:
    """A row for each server in each case."""
    lines = [
        "| case | connections | server | requests/s | CPU µs | database CPU µs | p99 ms | × requests/s | × CPU |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (case, connections), servers in found.items():
        own = servers[base]
        for name, series in servers.items():
            cells = [
                case, str(connections), name, series.shown(rate), series.shown(cpu), series.shown(database),
                series.shown(p99, ".1f"), f"{own.median(rate) / series.median(rate):.2f}",
                f"{series.median(cpu) / own.median(cpu):.2f}",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def growth(found: Growth) -> str:
    """What grows, as tables."""
    return "\n".join(
        [
            "CPU µs per request by the rows of a page:\n",
            _by_count(found.rows, "rows"),
            "CPU µs per request by the routes of the shape `/many/{name}/…`, ten of which are asked:\n",
            _by_count(found.ten_routes, "routes"),
            "The same with all of them asked, which the processor's caches don't hold:\n",
            _by_count(found.all_routes, "routes"),
            f"Memory held by each of {IDLE:,} idle connections:\n",
            "| server | KiB |",
            "|---|---|",
            *(f"| {name} | {held / 1024:.1f} |" for name, held in found.memory.items()),
            "",
        ]
    )


def _by_count(found: Mapping[int, Mapping[str, Series]], what: str) -> str:
    names = list(next(iter(found.values())))
    lines = [f"| {what} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for count, servers in found.items():
        lines.append(f"| {count:,} | {' | '.join(servers[name].shown(cpu) for name in names)} |")
    return "\n".join(lines) + "\n"


def floor(rates: Mapping[int, float | None]) -> str:
    """What `pgbench -S` reached."""
    lines = ["| pgbench -S, clients | rows/s |", "|---|---|"]
    lines += [f"| {clients} | {found:,.0f} |" for clients, found in rates.items() if found is not None]
    return "\n".join(lines) + "\n"
