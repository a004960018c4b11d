"""docs/soak.md."""

import platform
from datetime import UTC, datetime

from tests.soak.verdict import Bound, Outcome, Plan

INTRODUCTION = """\
# Soak

One run of one service with {workers} workers on SQLite: first all workers are replaced {restarts} times by a HUP, then
the same ones go on. Good requests come all the time, on kept and on new connections, whole and in pieces, from clients
that never retry; and bad ones: JSON that is none, wrong fields, no token and forged ones, posts and paths that are not
there, taken titles, stale and missing ETags, bodies that are too large or never come, deadlines that are over, bytes
that are no HTTP, and connections broken off at every point. The parent is measured from the end of the first third of
its restarts; workers that stay after {warming:,} requests, which fill their storage's caches. Descriptors are those
beside connections that a client has open.

Made by `make soak` on Python {python}, {system}, {date}: {requests:,} requests were answered, {statuses}.
{broken:,} connections were broken off.
"""


def table(bounds: list[Bound]) -> str:
    """The bounds as a table."""
    rows = [f"| {each.name} | {each.limit} | {each.measured} | {'yes' if each.kept else '**no**'} |" for each in bounds]
    return "\n".join(("| what | bound | measured | kept |", "|---|---|---|---|", *rows))


def page(plan: Plan, outcome: Outcome, bounds: list[Bound]) -> str:
    """The whole page."""
    tally = outcome.comers.crowd.tally
    introduction = INTRODUCTION.format(
        workers=plan.workers,
        restarts=plan.restarts,
        warming=plan.warming,
        python=platform.python_version(),
        system=platform.system(),
        date=datetime.now(UTC).date(),
        requests=tally.answered,
        statuses=", ".join(f"{count:,} × {status}" for status, count in sorted(tally.statuses.items())),
        broken=outcome.comers.broken,
    )
    return f"{introduction}\n{table(bounds)}\n"
