"""`serve` with real processes: restarts, stops, deaths and reloads under load, with clients that never retry."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from app.adapters.sqlite.migrations import SqliteMigrations
from app.adapters.sqlite.settings import SqliteSettings
from tests.processes import ROOT, Service, command, end, environment_in, free_port, service, token_of
from tests.unforgiving import Connection, Crowd, Requests, pausing

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


async def test_a_rolling_restart_loses_no_request(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        first = workers_of(running)
        async with crowded(running) as crowd:
            for restart in range(1, 4):
                running.process.send_signal(signal.SIGHUP)
                await until(running, " serves.", WORKERS + WORKERS * restart)
                await asyncio.sleep(0.3)
        assert crowd.tally.failures == []
        assert crowd.tally.refused == 0
        assert crowd.tally.answered > 500
        assert not set(first) & set(workers_of(running))
        assert metric(running.url, 'serve_worker_ends_total{reason="replaced"}') >= 3 * WORKERS - 1
        assert metric(running.url, 'serve_worker_ends_total{reason="died"}') == 0


@pytest.mark.parametrize("how", [("serve", "--workers", "2"), ("run",)], ids=["serve", "run"])
async def test_a_stop_under_load_answers_all_that_was_accepted(tmp_path: Path, how: tuple[str, ...]) -> None:
    migrate(tmp_path)
    with service(tmp_path, *how, SQLITE__SYNCHRONOUS="NORMAL", HTTP__DRAIN_WAIT=0.2) as running:
        async with crowded(running) as crowd:
            await asyncio.sleep(2)
            running.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(running.process.wait, 60) == 0
        assert crowd.tally.failures == []
        assert crowd.tally.answered > 100
        assert "Traceback" not in running.output.read_text()


async def test_a_connection_that_idles_through_a_restart_is_kept(tmp_path: Path) -> None:
    """The same socket: a client that looks at nothing before it sends loses nothing."""
    with served(tmp_path, workers=1) as running:
        connection, requests = Connection(port_of(running)), Requests(token_of(running))
        assert await connection.send(requests.get()) == 200
        streams = connection._streams
        before = workers_of(running)
        running.process.send_signal(signal.SIGHUP)
        await until(running, " serves.", 2)
        await asyncio.to_thread(wait_until_gone, before)
        assert await connection.send(requests.post()) == 201
        assert connection._streams is streams
        await connection.close()


async def test_a_worker_that_is_killed_is_replaced_and_its_counts_stay(tmp_path: Path) -> None:
    series = 'http_requests_total{method="GET",route="/api/v1/posts",status="200"}'
    with served(tmp_path) as running:
        requests = Requests("")
        for _ in range(20):
            connection = Connection(port_of(running))
            assert await connection.send(requests.get()) == 200
            await connection.close()
        assert metric(running.url, series) == 20
        for killed, pid in enumerate(workers_of(running), 1):
            os.kill(pid, signal.SIGKILL)
            await until(running, "was killed by signal 9", killed)
            await until(running, " serves.", WORKERS + killed)
            assert metric(running.url, series) == 20
        assert metric(running.url, 'serve_worker_ends_total{reason="died"}') == 2
        assert metric(running.url, "serve_workers") == 2
        assert metric(running.url, 'storage_pool_size{pool="primary"}') == 10


def test_sums_are_the_same_whichever_worker_is_asked(tmp_path: Path) -> None:
    series = 'http_requests_total{method="GET",route="unmatched",status="404"}'
    with served(tmp_path) as running:
        for number in range(1, 11):
            assert status_of(f"{running.url}/nowhere") == 404
            assert [metric(running.url, series) for _ in range(3)] == [number] * 3


def test_a_worker_that_dies_again_and_again_is_started_ever_later(tmp_path: Path) -> None:
    with served(tmp_path, workers=1) as running:
        for killed in range(1, 4):
            os.kill(workers_of(running)[0], signal.SIGKILL)
            wait_for(running, " serves.", killed + 1)
        output = running.output.read_text()
        assert "the next one is started in 0.5 s" in output
        assert "the next one is started in 1 s" in output
        assert status_of(f"{running.url}/health/ready") == 200


def test_a_service_whose_workers_never_start_gives_up_and_says_so(tmp_path: Path) -> None:
    """There is no schema, so that no worker becomes ready."""
    environment = environment_in(tmp_path, HTTP__PORT=free_port(), SERVE__START_TIMEOUT=0.2)
    result = command("serve", "--workers", "2", environment=environment, timeout=60)
    assert result.returncode == 1
    assert result.stderr.count("Not ready after 0.2 s: run the migrations: 0001.create-posts") == 3
    assert "Error: No worker could start in 3 tries; the lines above tell what stops them." in result.stderr
    assert "Traceback" not in result.stderr


async def test_a_reload_that_cannot_start_leaves_the_service_as_it_is(tmp_path: Path) -> None:
    with served(tmp_path) as running:
        before = workers_of(running)
        async with crowded(running) as crowd:
            (tmp_path / "given.env").write_text("APP_LOG__LEVEL=LOUD\n")
            running.process.send_signal(signal.SIGHUP)
            await until(running, "nothing is replaced")
        assert crowd.tally.failures == []
        assert workers_of(running) == before
        assert "APP_LOG__LEVEL" in running.output.read_text()


def test_a_reload_takes_new_settings(tmp_path: Path) -> None:
    with served(tmp_path, workers=1) as running:
        before = workers_of(running)
        (tmp_path / "given.env").write_text("APP_NAME=Renamed\n")
        running.process.send_signal(signal.SIGHUP)
        wait_for(running, " serves.", 2)
        wait_until_gone(before)
        with urllib.request.urlopen(f"{running.url}/swagger.json", timeout=10) as answer:
            assert b'"title":"Renamed"' in answer.read()


def held_request(token: str) -> bytes:
    return (
        f"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    ).encode()


@pytest.mark.parametrize("how", [("serve", "--workers", "1"), ("run",)], ids=["serve", "run"])
async def test_what_runs_too_long_at_the_end_is_cancelled_and_told(tmp_path: Path, how: tuple[str, ...]) -> None:
    migrate(tmp_path)
    with service(tmp_path, *how, HTTP__REQUEST_TIMEOUT=60, HTTP__SHUTDOWN_TIMEOUT=0.5) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(running))
        writer.write(held_request(token_of(running)))
        await asyncio.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        answer = (await asyncio.wait_for(reader.read(), 20)).decode()
        assert answer.startswith("HTTP/1.1 504")
        assert "Connection: close" in answer
        writer.close()
        assert await asyncio.to_thread(running.process.wait, 20) == 0


@pytest.mark.parametrize("how", [("serve", "--workers", "2"), ("run",)], ids=["serve", "run"])
async def test_a_second_signal_ends_it_at_once(tmp_path: Path, how: tuple[str, ...]) -> None:
    migrate(tmp_path)
    with service(tmp_path, *how, HTTP__REQUEST_TIMEOUT=60, HTTP__SHUTDOWN_TIMEOUT=60) as running:
        workers = workers_of(running)
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(running))
        writer.write(held_request(token_of(running)))
        await asyncio.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert running.process.poll() is None
        running.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(running.process.wait, 10) == 128 + signal.SIGTERM
        await asyncio.to_thread(wait_until_gone, workers, 2)
        writer.close()


async def test_readiness_turns_503_before_the_door_is_shut(tmp_path: Path) -> None:
    with served(tmp_path, workers=1, HTTP__DRAIN_WAIT=3) as running:
        running.process.send_signal(signal.SIGTERM)
        seen = []
        while running.process.poll() is None:
            try:
                seen.append((status_of(f"{running.url}/health/ready"), status_of(f"{running.url}/api/v1/posts")))
            except OSError:
                break
            await asyncio.sleep(0.1)
        assert seen[-1] == (503, 200)
        assert await asyncio.to_thread(running.process.wait, 20) == 0


def test_health_and_metrics_are_only_on_their_own_port_where_they_have_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        admin = probe.getsockname()[1]
    with served(tmp_path, ADMIN__PORT=admin) as running:
        for path in ("/health/live", "/health/ready", "/health_check", "/metrics"):
            assert (status_of(running.operations + path), status_of(running.url + path)) == (200, 404)
        assert (status_of(f"{running.operations}/api/v1/posts"), status_of(f"{running.url}/api/v1/posts")) == (404, 200)
        assert metric(running.operations, 'http_requests_total{method="GET",route="/api/v1/posts",status="200"}') == 1


async def test_workers_whose_parent_is_gone_end_in_order(tmp_path: Path) -> None:
    with served(tmp_path, HTTP__DRAIN_IDLE=0) as running:
        workers = workers_of(running)
        running.process.kill()
        await asyncio.to_thread(wait_until_gone, workers)
        assert "Traceback" not in running.output.read_text()


def test_sockets_of_systemd_are_used_and_it_is_told_how_things_are(tmp_path: Path) -> None:
    """As systemd does it: descriptors from 3 on, LISTEN_PID the process itself, NOTIFY_SOCKET a datagram socket."""
    environment = environment_in(tmp_path, ADMIN__PORT=1)
    migrate(tmp_path)
    with (
        socket.create_server(("127.0.0.1", free_port())) as public,
        socket.create_server(("127.0.0.1", 0)) as admin,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        manager.bind(f"{tmp_path}/notify")
        manager.settimeout(40)
        told = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "http:admin", "NOTIFY_SOCKET": f"{tmp_path}/notify"}
        serve = f"exec {sys.executable} -m app.entrypoints serve --workers 1"
        # First out of the way: these may be 3 and 4 themselves, the other way round.
        moves = f"exec 8<&{public.fileno()} 9<&{admin.fileno()}; exec 3<&8 4<&9 8<&- 9<&-"
        shell = f"{moves}; export LISTEN_PID=$$; {serve}"
        process = subprocess.Popen(
            ["bash", "-c", shell], cwd=ROOT, env=environment | told, pass_fds=(public.fileno(), admin.fileno())
        )
        try:
            assert manager.recv(100) == b"READY=1"
            assert status_of(f"http://127.0.0.1:{public.getsockname()[1]}/api/v1/posts") == 200
            assert status_of(f"http://127.0.0.1:{admin.getsockname()[1]}/health/ready") == 200
            process.send_signal(signal.SIGHUP)
            assert manager.recv(100).startswith(b"RELOADING=1\n")
            assert manager.recv(100) == b"READY=1"
            process.terminate()
            assert manager.recv(100) == b"STOPPING=1"
            assert process.wait(20) == 0
        finally:
            end(process)
