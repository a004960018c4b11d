"""`make faults`: every fault in its full form on every storage; the tables of docs/faults.md are made of it."""

import argparse
import asyncio
import logging
import platform
import tempfile
from collections.abc import Iterable
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.migrations import MigrationVerdict, migrated
from tests.faults.scenarios import ANYWHERE, FULL, IN_A_SERVER, SHORT, Form
from tests.faults.stage import Verdict, judged, stage
from tests.processes import ROOT
from tests.servers.kinds import server
from tests.subjects import DEADLINE, SUBJECTS, Subject

REPORT = ROOT / "docs" / "faults.md"
HEAD = """\
# Faults

What the service does when its storage fails, under load: 8 writers and 4 readers on a pool of 4 connections,
a private server behind a proxy that can fail, {deadline} s for each request. **Lost** are acknowledged posts
that are not there afterwards, **unsent** rows that nobody sent, **wrong** reads that gave something else than
was acknowledged, **late** answers that came more than 0.5 s after their deadline, **unexpected** answers
other than 200, 201, 503 and 504, **left** the most that connections, descriptors or tasks were above what
they were before. **Recovery** is the time from the end of the fault until both a write and a read have
succeeded.

Made by `make faults` on {machine}, {date}.

| storage | fault | acknowledged | answers | lost | unsent | wrong | late | unexpected | left | recovery |
|---|---|---|---|---|---|---|---|---|---|---|
"""
MIGRATIONS = """
Eight migrations at once in a fresh database, one of them killed at a random moment, then one more to finish.

| storage | rounds | killed on the way | others that failed | steps applied twice | not finished |
|---|---|---|---|---|---|
"""


def row(verdict: Verdict) -> str:
    """A row of the first table."""
    answers = ", ".join(f"{status}: {count:,}" for status, count in verdict.answers.items())
    counts = (verdict.lost, verdict.unsent, verdict.wrong, verdict.late, len(verdict.unexpected), max(0, verdict.left))
    cells = (verdict.storage, verdict.fault, f"{verdict.acknowledged:,}", answers, *counts)
    return f"| {' | '.join(map(str, cells))} | {verdict.recovery:.2f} s |"


def migration_row(verdict: MigrationVerdict) -> str:
    """A row of the second table."""
    cells = (verdict.rounds, verdict.killed, verdict.failed, verdict.repeated, verdict.unfinished)
    return f"| {verdict.storage} | {' | '.join(map(str, cells))} |"


async def faults_of(subject: Subject, form: Form) -> list[Verdict]:
    """Every fault that can happen to this storage, each on a stage of its own."""
    faults = {**(IN_A_SERVER if subject.kind else {}), **ANYWHERE}
    verdicts = []
    for name, make in faults.items():
        if name == "table altered" and subject.run is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            async with stage(subject, Path(folder)) as on:
                verdicts.append(await judged(on, name, make(form)))
        print(row(verdicts[-1]), flush=True)
        print(*verdicts[-1].unexpected[:3], sep="\n")
    return verdicts


async def migrations_of(subject: Subject, rounds: int) -> MigrationVerdict:
    """The migrations of this storage, on a server of its own."""
    with server(subject.kind, private=True) if subject.kind else nullcontext() as started:
        verdict = await migrated(subject, started, rounds)
    print(migration_row(verdict), flush=True)
    return verdict


async def everything(subjects: Iterable[Subject], form: Form, rounds: int) -> str:
    """The whole report."""
    found = [(await faults_of(subject, form), await migrations_of(subject, rounds)) for subject in subjects]
    machine = f"Python {platform.python_version()}, {platform.system()}"
    head = HEAD.format(deadline=DEADLINE, machine=machine, date=datetime.now(UTC).date())
    rows = "\n".join(row(verdict) for verdicts, _ in found for verdict in verdicts)
    return head + rows + "\n" + MIGRATIONS + "\n".join(migration_row(verdict) for _, verdict in found) + "\n"


def main() -> None:
    """Run what was asked for; renew the report when that was everything."""
    options = argparse.ArgumentParser(prog="make faults ARGS=…")
    options.add_argument("--storage", choices=SUBJECTS, action="append", help="only this one; may be repeated")
    options.add_argument("--short", action="store_true", help="the short form, as in the tests")
    given = options.parse_args()
    logging.disable(logging.CRITICAL)
    form, rounds = (SHORT, 2) if given.short else (FULL, 20)
    report = asyncio.run(everything([SUBJECTS[name] for name in given.storage or SUBJECTS], form, rounds))
    if given.storage or given.short:
        print(report)
    else:
        REPORT.write_text(report)


if __name__ == "__main__":
    main()
