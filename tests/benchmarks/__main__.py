"""`make bench`: the service beside bare handlers and its peers, all on the same work, in turns.

Writes docs/performance.md and its picture when everything was measured; prints what was asked for otherwise.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest
import uvloop

from app.adapters.config.settings import AuthSettings
from app.entrypoints.http.tokens import SecretTokens, TokenRules
from tests.benchmarks import report
from tests.benchmarks.cases import CASES, HEALTH, ONE, PAGE, PUBLISH, STATUSES
from tests.benchmarks.comparing import Plan, Series, Work, alternating
from tests.benchmarks.databases import database
from tests.benchmarks.floor import pgbench, prepare
from tests.benchmarks.growth import grown
from tests.benchmarks.picture import bars
from tests.benchmarks.servers import SECRET, Contestant, Running, bare, ours, peer, pin, running
from tests.processes import ROOT
from tests.servers.kinds import server
from tests.servers.postgres import POSTGRES

REPORT = ROOT / "docs" / "performance.md"
NOTES = "## What was tried"
PICTURE = ROOT / "docs" / "images" / "performance.svg"
PEERS = {
    "bare aiohttp": "aiohttp_asyncpg",
    "FastAPI": "fastapi_asyncpg",
    "FastAPI, SQLAlchemy": "fastapi_sqlalchemy",
    "Litestar": "litestar_asyncpg",
    "BlackSheep": "blacksheep_asyncpg",
}
USUAL = 64
STORAGES = ("sqlite", "postgres", "mysql", "mongo")


@attrs.frozen
class Bench:
    """One run. `pictured` fills with what the picture shows."""

    folder: Path
    plan: Plan
    cases: tuple[str, ...]
    connections: tuple[int, ...]
    storages: tuple[str, ...]
    servers: tuple[str, ...]
    pictured: dict[str, dict[str, float]] = attrs.field(factory=dict)

    async def kit(self) -> str:
        """The HTTP kit beside a bare handler, without a storage."""
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        contestants = [
            Contestant(name, (sys.executable, "-m", "tests.benchmarks.kit", kind, f"{self.folder}/{kind}"), environment)
            for kind, name in (("bare", "bare aiohttp"), ("kit", "ours"))
        ]
        found = await self._in_turns(contestants, self.cases, (USUAL,), 0)
        return "## The HTTP kit alone\n\nThe same converters and no storage in both.\n\n" + report.compared(found)

    async def of_storages(self) -> str:
        """The service beside a bare handler on the same driver, on each storage."""
        text = "## On each storage\n\nThe bare handler sends the same statements through the same driver.\n"
        for storage in self.storages:
            try:
                table = await self._storage(storage)
            except pytest.skip.Exception as missing:
                table = f"Left out: {missing}\n"
            text += f"\n### {storage}\n\n{table}"
        return text

    async def _storage(self, storage: str) -> str:
        cases = [case for case in self.cases if case != HEALTH]
        with database(storage, self._folder(storage)) as made:
            contestants = [bare(storage, made.dsn), ours(self._folder(storage), _token(), **made.settings)]
            return report.compared(await self._in_turns(contestants, cases, (USUAL,), made.pid))

    async def peers(self) -> str:
        """The service beside its peers on PostgreSQL."""
        with database("postgres", self._folder("peers")) as made:
            contestants = [ours(self._folder("peers"), _token(), **made.settings)]
            contestants += [peer(name, module, made.dsn) for name, module in PEERS.items()]
            chosen = [each for each in contestants if not self.servers or each.name in self.servers]
            found = await self._in_turns(chosen, self.cases, self.connections, made.pid)
        for (case, connections), servers in found.items():
            if connections == USUAL:
                self.pictured[case] = {name: series.median(report.cpu) for name, series in servers.items()}
        return "## Beside peers\n\nPostgreSQL, 10,000 posts with two features each.\n\n" + report.compared(found)

    async def growth(self) -> str:
        """How costs grow."""
        with database("postgres", self._folder("growth")) as made:
            found = await grown(made, self._folder("growth"), self.plan)
        return "## How it grows\n\n" + report.growth(found)

    async def floor(self) -> str:
        """What nothing on this machine can be faster than."""
        contestants = [peer("a protocol and no HTTP", "protocol", "")]
        with ExitStack() as stack:
            servers = [stack.enter_context(running(each, self.folder)) for each in contestants]
            found = {(HEALTH, USUAL): await self._case(servers, HEALTH, USUAL, 0)}
        with server(POSTGRES, private=True) as started:
            prepare(started.dsn)
            if started.process is not None:
                pin(started.process.pid, 1)
            rates = {clients: pgbench(started.dsn, clients, 3) for clients in (1, 10, USUAL)}
        table = report.compared(found, base=contestants[0].name)
        return f"## The floor\n\n{table}\n{report.floor(rates)}"

    async def _in_turns(
        self, contestants: Iterable[Contestant], cases: Iterable[str], connections: Iterable[int], pid: int
    ) -> dict[tuple[str, int], Mapping[str, Series]]:
        with ExitStack() as stack:
            servers = [stack.enter_context(running(each, self.folder)) for each in contestants]
            # Writing comes last: it makes the pages longer to count.
            return {
                (case, count): await self._case(servers, case, count, pid) for case in cases for count in connections
            }

    async def _case(self, servers: list[Running], case: str, connections: int, pid: int) -> dict[str, Series]:
        print(f"{case}, {connections} connections", file=sys.stderr, flush=True)
        work = Work(lambda server: CASES[case](server.contestant.headers), connections, STATUSES.get(case, 200), pid)
        return await alternating(servers, work, self.plan)

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


def _token() -> str:
    auth = AuthSettings()
    return SecretTokens(SECRET, TokenRules(auth.issuer, auth.audience)).issue("bench", ["posts:write"], 7200)


SECTIONS: dict[str, Callable[[Bench], Awaitable[str]]] = {
    "peers": Bench.peers,
    "storages": Bench.of_storages,
    "kit": Bench.kit,
    "growth": Bench.growth,
    "floor": Bench.floor,
}


async def everything(bench: Bench, sections: Iterable[str]) -> str:
    texts = [report.introduction(bench.plan)]
    for name in sections:
        texts.append(await SECTIONS[name](bench))
        print(texts[-1], flush=True)
    return "\n".join(texts)


def main() -> None:
    """Run what was asked for; renew the report when that was everything."""
    options = argparse.ArgumentParser(prog="make bench ARGS=…")
    options.add_argument("--only", choices=SECTIONS, action="append", help="only this part; may be repeated")
    options.add_argument("--case", choices=CASES, action="append", help="only this case; may be repeated")
    options.add_argument("--storage", choices=STORAGES, action="append", help="only this one; may be repeated")
    options.add_argument("--server", choices=["ours", *PEERS], action="append", help="beside peers, only these")
    options.add_argument("--connections", type=int, action="append", help="beside peers; may be repeated")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=1.0, help="for each round")
    given = options.parse_args()
    pin(os.getpid(), 1)
    narrowed = any((given.only, given.case, given.storage, given.server, given.connections))
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(
            Path(folder),
            Plan(given.rounds, given.seconds),
            tuple(given.case or (HEALTH, ONE, PAGE, PUBLISH)),
            tuple(given.connections or (1, USUAL, 256, 512)),
            tuple(given.storage or STORAGES),
            tuple({*given.server, "ours"} if given.server else ()),
        )
        text = uvloop.run(everything(bench, given.only or SECTIONS))
    if not narrowed:
        picture = "\n![CPU time per request, by server](images/performance.svg)\n"
        head, rest = text.split("\n## ", 1)
        notes = REPORT.read_text().partition(NOTES)[2]  # written by hand
        REPORT.write_text(f"{head}{picture}\n## {rest}\n{NOTES}{notes}")
        PICTURE.write_text(bars("CPU time of the server per request, 64 connections", bench.pictured))


if __name__ == "__main__":
    main()
