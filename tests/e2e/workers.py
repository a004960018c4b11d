"""A service with several workers for tests, what it says of itself, and a crowd of clients for it."""

import asyncio
import re
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from app.adapters.sqlite.migrations import SqliteMigrations
from app.adapters.sqlite.settings import SqliteSettings
from tests.commands import token_of
from tests.processes import Service, service
from tests.unforgiving import Crowd, Requests, pausing

WORKERS = 2


def migrate(folder: Path) -> None:
    SqliteMigrations(SqliteSettings(path=folder / "app.db")).apply()


@contextmanager
def served(folder: Path, *, workers: int = WORKERS, **settings: object) -> Iterator[Service]:
    """A service with workers, all of them ready."""
    migrate(folder)
    with service(folder, "serve", "--workers", str(workers), SQLITE__SYNCHRONOUS="NORMAL", **settings) as running:
        wait_for(running, f"{workers} workers serve.")
        yield running


def wait_for(running: Service, text: str, times: int = 1, seconds: float = 40) -> None:
    """Return when the service has written `text` so many times."""
    limit = time.monotonic() + seconds
    while running.output.read_text().count(text) < times:
        assert time.monotonic() < limit, running.output.read_text()
        time.sleep(0.05)


def workers_of(running: Service) -> list[int]:
    """The processes below the service."""
    pid = running.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until_gone(pids: list[int], seconds: float = 30) -> None:
    """Return when none of these processes is there any more."""
    limit = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids):
        assert time.monotonic() < limit
        time.sleep(0.05)


def metric(url: str, series: str) -> float:
    """The value of a series; 0 when it isn't there."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def port_of(running: Service) -> int:
    return int(running.url.rpartition(":")[2])


@asynccontextmanager
async def crowded(running: Service) -> AsyncIterator[Crowd]:
    """Clients of every kind at work: on kept and on new connections, whole and in pieces, and long idle ones."""
    crowd = Crowd(port_of(running), Requests(token_of(running)))
    requests = crowd.requests
    clients = [
        *(crowd.client(requests.mixed, pausing(0, 0.005)) for _ in range(8)),
        *(crowd.client(requests.mixed, pausing(0, 0.01), keeps=False) for _ in range(4)),
        *(crowd.client(requests.slow, pausing(0, 0.05)) for _ in range(4)),
        *(crowd.client(requests.post, pausing(0.2, 3)) for _ in range(60)),
    ]
    tasks = [asyncio.create_task(client) for client in clients]
    try:
        yield crowd
    finally:
        crowd.stopped = True
        await asyncio.wait(tasks, timeout=40)


async def until(running: Service, text: str, times: int = 1) -> None:
    await asyncio.to_thread(wait_for, running, text, times)


def held_request(token: str) -> bytes:
    return (
        f"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    ).encode()
