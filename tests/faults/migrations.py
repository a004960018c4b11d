"""Migrations that run many at once, and one of them killed on the way."""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

import attrs

from tests.processes import ROOT, environment_in
from tests.servers.kinds import Server
from tests.subjects import Subject

AT_ONCE = 8
LIMIT = 60.0


@attrs.frozen
class MigrationVerdict:
    """What became of the rounds: `failed` runs that were not killed, `unfinished` rounds, `repeated` steps."""

    storage: str
    rounds: int
    killed: int
    failed: int
    repeated: int
    unfinished: int


async def migrated(subject: Subject, server: Server | None, rounds: int) -> MigrationVerdict:
    """Run eight migrations at once in a fresh database, kill one at a random moment, and finish; `rounds` times."""
    killed = failed = repeated = unfinished = 0
    for _ in range(rounds):
        with (
            tempfile.TemporaryDirectory() as folder,
            subject.empty_database(server.dsn if server else folder) as dsn,
        ):
            environment = environment_in(Path(folder), **subject.environment(dsn))
            runs = [asyncio.create_task(_migrate(environment)) for _ in range(AT_ONCE - 1)]
            killed += await _migrate_and_die(environment)
            outcomes = [await run for run in runs]
            outcomes.append(await _migrate(environment))
            failed += sum(status != 0 for status, _ in outcomes)
            applied = [line for _, output in outcomes for line in output.splitlines() if line.startswith("applied")]
            repeated += len(applied) - len(set(applied))
            _, output = await _migrate(environment, "--status")
            steps = output.splitlines()
            unfinished += not steps or not all(line.startswith("applied") for line in steps)
    return MigrationVerdict(subject.name, rounds, killed, failed, repeated, unfinished)


async def _start(environment: dict[str, str], *options: str) -> asyncio.subprocess.Process:
    arguments = ("-m", "app.entrypoints", "migrate", *options)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe
    )


async def _migrate(environment: dict[str, str], *options: str) -> tuple[int | None, str]:
    process = await _start(environment, *options)
    output, _ = await asyncio.wait_for(process.communicate(), LIMIT)
    return process.returncode, output.decode()


async def _migrate_and_die(environment: dict[str, str]) -> int:
    """Start a migration and kill it at some moment; 1 if it was still running."""
    process = await _start(environment)
    try:
        await asyncio.wait_for(process.wait(), 0.3 + random.random() * 1.2)
    except TimeoutError:
        process.kill()
        await process.wait()
        return 1
    return 0
