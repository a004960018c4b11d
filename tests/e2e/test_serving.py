"""`serve` with real processes: workers that die, metrics of all of them, ports, signals, systemd."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.entrypoints.serving.below import REPORT_EVERY
from tests.commands import command, token_of
from tests.e2e.workers import (
    WORKERS,
    held_request,
    metric,
    migrate,
    port_of,
    served,
    status_of,
    until,
    wait_for,
    wait_until_gone,
    workers_of,
)
from tests.processes import ROOT, end, environment_in, free_port, service
from tests.unforgiving import Connection, Requests


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
    assert "No worker could start in 3 tries; the lines above tell what stops them." in result.stderr
    assert "Traceback" not in result.stderr
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert all(line["pid"] for line in lines)
    assert len({line["pid"] for line in lines if "Not ready after" in line["event"]}) == 3


def test_settings_that_a_new_worker_cannot_read_are_told_in_json_and_a_reload_is_acknowledged(tmp_path: Path) -> None:
    with served(tmp_path, workers=1) as running:
        parent = running.process.pid
        assert f"Parent {parent} starts 1 workers" in running.output.read_text()
        (tmp_path / "given.env").write_text("APP_NO_SUCH_THING=1")
        os.kill(parent, signal.SIGHUP)
        wait_for(running, "nothing is replaced")
        (tmp_path / "given.env").write_text("")
        os.kill(parent, signal.SIGHUP)
        wait_for(running, "1 workers were replaced.")
        lines = [json.loads(line) for line in running.output.read_text().splitlines()]
    assert [line["pid"] for line in lines if line["event"] == "SIGHUP: replacing 1 workers."] == [parent] * 2
    (refused,) = [line for line in lines if "APP_NO_SUCH_THING" in line["event"]]
    assert (refused["level"], refused["pid"] != parent) == ("error", True)


async def test_what_a_killed_worker_counted_stays_though_nobody_asked_for_it(tmp_path: Path) -> None:
    series = 'http_requests_total{method="GET",route="/api/v1/posts",status="200"}'
    with served(tmp_path, workers=1) as running:
        requests = Requests("")
        connection = Connection(port_of(running))
        for _ in range(20):
            assert await connection.send(requests.get()) == 200
        await connection.close()
        await asyncio.sleep(3 * REPORT_EVERY)
        os.kill(workers_of(running)[0], signal.SIGKILL)
        await until(running, " serves.", 2)
        assert metric(running.url, series) == 20


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
