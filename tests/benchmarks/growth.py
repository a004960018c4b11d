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
    """CPU per request by rows and by routes, and bytes per idle connection, by server."""

    rows: dict[int, dict[str, Series]]
    routes: dict[int, dict[str, Series]]
    memory: dict[str, float]


async def grown(database: Database, folder: Path, plan: Plan) -> Growth:
    """Measure all three."""
    with ExitStack() as stack:
        bare = stack.enter_context(running(peer("bare aiohttp", "aiohttp_asyncpg", database.dsn), folder))
        fast = stack.enter_context(running(peer("FastAPI", "fastapi_asyncpg", database.dsn), folder))
        own = stack.enter_context(running(_grown(database, folder, 0), folder))
        rows = {count: await _rows((bare, fast, own), count, plan) for count in ROWS}
        memory = {server.contestant.name: await _memory(server) for server in (bare, fast, own)}
    routes = {count: await _routes(database, folder, count, plan) for count in ROUTES}
    return Growth(rows, routes, memory)


def _grown(database: Database, folder: Path, routes: int) -> Contestant:
    made = ours(folder, "", module="tests.benchmarks.grown", **database.settings)
    return attrs.evolve(made, headers="", environment={**made.environment, "ROUTES": str(routes)})


async def _rows(servers: tuple[Running, ...], count: int, plan: Plan) -> dict[str, Series]:
    def path(server: Running) -> str:
        return "/rows" if server.contestant.name == "ours" else "/api/v1/posts"

    return await alternating(
        servers, Work(lambda server: get(lambda: [f"{path(server)}?limit={count}"])(""), CONNECTIONS), plan
    )


async def _routes(database: Database, folder: Path, count: int, plan: Plan) -> dict[str, Series]:
    """The route in the middle of them, the case of the average."""
    with ExitStack() as stack:
        contestants = (
            peer("bare aiohttp", "aiohttp_asyncpg", database.dsn, ROUTES=str(count)),
            _grown(database, folder, count),
        )
        servers = [stack.enter_context(running(each, folder)) for each in contestants]
        paths = [f"/many/some/r{number}" for number in range(count)]
        return await alternating(servers, Work(lambda _: get(lambda: paths)(""), CONNECTIONS), plan)


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
