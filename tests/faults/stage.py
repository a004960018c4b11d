"""A service on a private server behind a proxy, under load, and the count of what it does when something fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import attrs

from app.container import Container
from app.entrypoints.app import create_app
from tests.e2e.service import Client, a_token, serving
from tests.faults.ledger import Ledger, read, recovered, session_for_faults, stored, under_load, write
from tests.faults.proxy import Proxy, proxied
from tests.servers.kinds import server
from tests.servers.process import ServerProcess
from tests.subjects import DEADLINE, Subject, port_of, through

SETTLED_WITHIN = 6.0
LEFT = 2
"""How far connections, descriptors and tasks may be from where they were."""


@attrs.frozen
class Stage:
    """What a scenario has at hand. `process` and `proxy` are there where the storage is a server."""

    subject: Subject
    client: Client
    container: Container
    dsn: str
    process: ServerProcess | None
    proxy: Proxy | None
    sent: dict[str, str] = attrs.field(factory=dict)
    """Every title that was ever sent here, with its content."""


@attrs.frozen
class Held:
    """What the service holds: connections of its pools, descriptors of the process, tasks of the loop."""

    connections: int
    descriptors: int
    tasks: int

    def beyond(self, before: "Held") -> int:
        """By how much the worst of them is above what it was."""
        return max(
            self.connections - before.connections,
            self.descriptors - before.descriptors,
            self.tasks - before.tasks,
        )


@attrs.frozen
class Verdict:
    """A row of the table. What is lost, unsent, wrong, late or unexpected has to be nothing; recovery is seconds."""

    storage: str
    fault: str
    acknowledged: int
    answers: dict[int, int]
    lost: int
    unsent: int
    wrong: int
    late: int
    unexpected: list[str]
    before: Held
    after: Held
    recovery: float

    @property
    def left(self) -> int:
        """What was left behind, at the worst."""
        return self.after.beyond(self.before)


@asynccontextmanager
async def stage(subject: Subject, folder: Path) -> AsyncIterator[Stage]:
    """The service on a private server of this kind, and a client that may write."""
    async with AsyncExitStack() as stack:
        process, proxy, dsn = None, None, ""
        if subject.kind is not None:
            started = stack.enter_context(server(subject.kind, private=True))
            process = started.process
            dsn = stack.enter_context(subject.database(started.dsn))
            proxy = await stack.enter_async_context(proxied(port_of(dsn)))
        else:
            dsn = stack.enter_context(subject.database(str(folder)))
        settings = subject.settings(folder, through(dsn, proxy.port) if proxy else dsn)
        container = Container(settings=settings)
        await asyncio.to_thread(container.migrations().apply)
        port = await stack.enter_async_context(serving(create_app(container)))
        client = Client(await stack.enter_async_context(session_for_faults()), port)
        client.token = a_token("posts:write")
        yield Stage(subject, client, container, dsn, process, proxy)


Fault = Callable[[Stage], Awaitable[None]]


async def judged(on: Stage, name: str, fault: Fault, *, before: float = 0.5, after: float = 0.5) -> Verdict:
    """Run `fault` under load, and count. The load runs `before` and `after` seconds around it."""
    ledger = Ledger(DEADLINE, on.sent)
    await write(on.client, ledger)
    await read(on.client, ledger)
    async with under_load(on.client, ledger):
        await asyncio.sleep(before)
    held_before = await _held(on)
    async with under_load(on.client, ledger):
        await asyncio.sleep(before)
        await fault(on)
        recovery = await recovered(ledger, 10.0)
        await asyncio.sleep(after)
    held_after = await _settled(on, held_before)
    found = await stored(on.client)
    titles = set(found.values())
    return Verdict(
        storage=on.subject.name,
        fault=name,
        acknowledged=len(ledger.acknowledged),
        answers=dict(sorted(ledger.answers.items())),
        lost=sum(found.get(post_id) != title for post_id, title in ledger.acknowledged.items()),
        unsent=len(titles - on.sent.keys()) + len(found) - len(titles),
        wrong=len(ledger.wrong_reads),
        late=len(ledger.late),
        unexpected=ledger.unexpected,
        before=held_before,
        after=held_after,
        recovery=recovery,
    )


async def _held(on: Stage) -> Held:
    await asyncio.sleep(0.2)
    usage = [pool.usage() for pool in on.container.pools()]
    return Held(sum(each.size for each in usage), _descriptors(), len(asyncio.all_tasks()))


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _settled(on: Stage, before: Held) -> Held:
    """What is held once everything that ends by itself has ended."""
    clock = asyncio.get_running_loop().time
    end = clock() + SETTLED_WITHIN
    held = await _held(on)
    while clock() < end and held.beyond(before) > LEFT:
        held = await _held(on)
    return held
