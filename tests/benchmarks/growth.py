"""How the cost of a request grows: with the rows of a page, with the routes, and what an idle connection holds."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import attrs

from tests.benchmarks.cases import get
from tests.benchmarks.comparing import Plan, Series, Work, alternating
from tests.benchmarks.databases import Database
from tests.benchmarks.servers import Contestant, Running, ours, peer, running

ROWS = (1, 10, 100, 1000)
ROUTES = (10, 100, 1000)
IDLE = 2000
CONNECTIONS = 16


@attrs.frozen
class Growth:
    """CPU per request by rows and by routes, and bytes per idle connection, by server.

    Of the routes either ten are asked or all; with all, the processor's caches are part of what is measured.
    """

    rows: dict[int, dict[str, Series]]
    ten_routes: dict[int, dict[str, Series]]
    all_routes: dict[int, dict[str, Series]]
    memory: dict[str, float]


async def grown(database: Database, folder: Path, plan: Plan) -> Growth:
    """Measure all three."""
    with ExitStack() as stack:
        bare = stack.enter_context(running(peer("bare aiohttp", "aiohttp_asyncpg", database.dsn), folder))
        fast = stack.enter_context(running(peer("FastAPI", "fastapi_asyncpg", database.dsn), folder))
        own = stack.enter_context(running(_grown(database, folder, 0), folder))
        # Memory first: a load leaves room in the heap, in which connections then cost nothing.
        memory = {server.contestant.name: await _memory(server) for server in (bare, fast, own)}
        rows = {count: await _rows((bare, fast, own), count, plan) for count in ROWS}
    ten, every = {}, {}
    for count in ROUTES:
        ten[count], every[count] = await _routes(database, folder, count, plan)
    return Growth(rows, ten, every, memory)


def _grown(database: Database, folder: Path, routes: int) -> Contestant:
    made = ours(folder, "", module="tests.benchmarks.grown", **database.settings)
    return attrs.evolve(made, headers="", environment={**made.environment, "ROUTES": str(routes)})


async def _rows(servers: tuple[Running, ...], count: int, plan: Plan) -> dict[str, Series]:
    def path(server: Running) -> str:
        return "/rows" if server.contestant.name == "ours" else "/api/v1/posts"

    return await alternating(
        servers, Work(lambda server: get(lambda: [f"{path(server)}?limit={count}"])(""), CONNECTIONS), plan
    )


async def _routes(
    database: Database, folder: Path, count: int, plan: Plan
) -> tuple[dict[str, Series], dict[str, Series]]:
    """Ten of the routes, evenly spread, and all of them."""
    with ExitStack() as stack:
        contestants = (
            peer("bare aiohttp", "aiohttp_asyncpg", database.dsn, ROUTES=str(count)),
            _grown(database, folder, count),
        )
        servers = [stack.enter_context(running(each, folder)) for each in contestants]
        paths = [f"/many/some/r{number}" for number in range(count)]
        ten = Work(lambda _: get(lambda: paths[:: count // 10])(""), CONNECTIONS)
        every = Work(lambda _: get(lambda: paths)(""), CONNECTIONS)
        return await alternating(servers, ten, plan), await alternating(servers, every, plan)


async def _memory(server: Running) -> float:
    """Bytes for each connection that has asked once and waits."""
    request = next(get(lambda: ["/health/live"])(""))
    await _ask(server.port, request, 50)  # what the first ones cost is no matter of their number
    before = server.memory()
    writers = await _ask(server.port, request, IDLE)
    held = server.memory() - before
    for writer in writers:
        writer.close()
    return held / IDLE


async def _ask(port: int, request: bytes, count: int) -> list[asyncio.StreamWriter]:
    writers = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        await asyncio.wait_for(reader.readuntil(b"}}"), 5)
        writers.append(writer)
    return writers
