"""What goes wrong, one function each: the fault begins, lasts, and is over when the function returns."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress

import attrs

from tests.e2e.service import a_token
from tests.faults.stage import Fault, Stage

DISCONNECTS_AT_ONCE = 16


@attrs.frozen
class Form:
    """How long and how often: short in CI, full in `make faults`."""

    frozen: float
    disconnects: int
    alterations: int


SHORT = Form(frozen=2.5, disconnects=300, alterations=3)
FULL = Form(frozen=10.0, disconnects=5000, alterations=20)


def killed(form: Form) -> Fault:
    """The server dies without a warning, under load, and comes back."""

    async def fault(on: Stage) -> None:
        assert on.process is not None
        await asyncio.to_thread(on.process.kill)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(on.process.start)

    return fault


def frozen(form: Form) -> Fault:
    """The server stops in mid-step; its connections stay open and nothing answers."""

    async def fault(on: Stage) -> None:
        assert on.process is not None
        on.process.freeze()
        await asyncio.sleep(form.frozen)
        on.process.thaw()

    return fault


def cut(form: Form) -> Fault:
    """Every connection is closed, several times."""

    async def fault(on: Stage) -> None:
        assert on.proxy is not None
        for _ in range(5):
            await on.proxy.cut()
            await asyncio.sleep(0.1)

    return fault


def refused(form: Form) -> Fault:
    """The port is closed for a while."""

    async def fault(on: Stage) -> None:
        assert on.proxy is not None
        await on.proxy.close()
        await asyncio.sleep(1.0)
        await on.proxy.open()

    return fault


def black_hole(form: Form) -> Fault:
    """Packets vanish in both directions; connections stay open."""

    async def fault(on: Stage) -> None:
        assert on.proxy is not None
        on.proxy.black_hole()
        await asyncio.sleep(form.frozen)
        on.proxy.flow()

    return fault


def half_open(form: Form) -> Fault:
    """The server's side forgets every connection; the service's side never hears of it."""

    async def fault(on: Stage) -> None:
        assert on.proxy is not None
        assert on.process is not None
        on.proxy.black_hole()
        await asyncio.to_thread(on.process.kill)
        await asyncio.to_thread(on.process.start)
        await on.proxy.cut()
        on.proxy.flow()

    return fault


def reset_in_mid_result(form: Form) -> Fault:
    """Connections are reset while a result is on its way."""

    async def fault(on: Stage) -> None:
        assert on.proxy is not None
        on.proxy.reset_after(2_000)
        await asyncio.sleep(1.0)
        on.proxy.flow()
        assert on.proxy.resets > 2

    return fault


def occupied(form: Form) -> Fault:
    """Somebody else holds what every write needs, until the pool is exhausted and longer than a request may take."""

    async def fault(on: Stage) -> None:
        # In a thread: it waits for the requests that run, which this thread serves.
        holding = on.subject.occupied(on.dsn)
        await asyncio.to_thread(holding.__enter__)
        await asyncio.sleep(form.frozen)
        await asyncio.to_thread(holding.__exit__, None, None, None)

    return fault


def altered(form: Form) -> Fault:
    """A migration of another deploy adds and drops a column while requests run."""

    async def fault(on: Stage) -> None:
        assert on.subject.run is not None
        for number in range(form.alterations):
            for sql in (f"ADD COLUMN extra{number} INTEGER", f"DROP COLUMN extra{number}"):
                await asyncio.to_thread(on.subject.run, on.dsn, f"ALTER TABLE posts {sql}")
                await asyncio.sleep(0.05)

    return fault


def clients_gone(form: Form) -> Fault:
    """Clients that leave at any moment of their request."""

    async def fault(on: Stage) -> None:
        places = asyncio.Semaphore(DISCONNECTS_AT_ONCE)

        async def one(number: int) -> None:
            async with places:
                await _leave(on, number)

        await asyncio.gather(*(one(number) for number in range(form.disconnects)))

    return fault


async def _leave(on: Stage, number: int) -> None:
    title = f"post that nobody waits for {number}"
    on.sent[title] = ""
    body = f'{{"title": "{title}", "content": ""}}'.encode()
    head = (
        "POST /api/v1/posts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {a_token('posts:write')}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    request = random.choice([head.encode() + body, b"GET /api/v1/posts HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])
    _, writer = await asyncio.open_connection("127.0.0.1", on.client.port)
    with suppress(OSError):
        writer.write(request[: random.randrange(len(request) // 2, len(request) + 1)])
        await asyncio.sleep(random.random() * 0.02)
    writer.transport.abort()


IN_A_SERVER: Mapping[str, Callable[[Form], Fault]] = {
    "killed and started again": killed,
    "frozen": frozen,
    "connections cut": cut,
    "port closed": refused,
    "black hole": black_hole,
    "half open": half_open,
    "reset in mid-result": reset_in_mid_result,
}
ANYWHERE: Mapping[str, Callable[[Form], Fault]] = {
    "occupied by another": occupied,
    "table altered": altered,
    "clients gone": clients_gone,
}
