"""Servers that take turns under the same load, for several rounds."""

import statistics
from collections.abc import Callable, Iterable, Iterator

import attrs

from tests.benchmarks.load import load
from tests.benchmarks.servers import Running, cpu_with_children


@attrs.frozen
class Result:
    """One round: requests per second, CPU µs per request of the server and of its database, p99 in ms."""

    rate: float
    cpu: float
    database: float
    p99: float


@attrs.frozen
class Series:
    """The rounds of one server."""

    rounds: list[Result] = attrs.field(factory=list)

    def median(self, pick: Callable[[Result], float]) -> float:
        return statistics.median(map(pick, self.rounds))

    def shown(self, pick: Callable[[Result], float], form: str = ",.0f") -> str:
        """The median, and the spread in brackets."""
        values = [pick(each) for each in self.rounds]
        return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


@attrs.frozen
class Plan:
    """How long to measure: rounds, and seconds for each."""

    rounds: int
    seconds: float


@attrs.frozen
class Work:
    """What is asked over how many connections, with which status as the answer.

    `database` is the pid of the server that all of them ask, 0 where there is none.
    """

    requests: Callable[[Running], Iterator[bytes]]
    connections: int
    status: int = 200
    database: int = 0


async def alternating(servers: Iterable[Running], work: Work, plan: Plan) -> dict[str, Series]:
    """Each server's rounds, by name."""
    found = {server.contestant.name: Series() for server in servers}
    for server in servers:
        await _measured(server, work, max(0.3, plan.seconds / 3))  # warms up
    for _ in range(plan.rounds):
        for server in servers:
            found[server.contestant.name].rounds.append(await _measured(server, work, plan.seconds))
    return found


async def _measured(server: Running, work: Work, seconds: float) -> Result:
    before, database_before = server.cpu(), _database_cpu(work)
    measured = await load(server.port, work.requests(server), work.connections, seconds)
    used, database_used = server.cpu() - before, _database_cpu(work) - database_before
    assert measured.statuses.keys() == {work.status}, f"{server.contestant.name}: {measured.statuses}"
    per_request = 1e6 / measured.requests
    return Result(
        measured.requests / measured.seconds,
        used * per_request,
        database_used * per_request,
        measured.percentile(0.99) * 1e3,
    )


def _database_cpu(work: Work) -> float:
    return cpu_with_children(work.database) if work.database else 0.0
