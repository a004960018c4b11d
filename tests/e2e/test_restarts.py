"""Restarts, reloads and stops with real processes, under load, with clients that never retry."""

import asyncio
import signal
import urllib.request
from pathlib import Path

import pytest

from tests.commands import token_of
from tests.e2e.workers import (
    WORKERS,
    crowded,
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
from tests.processes import service
from tests.unforgiving import Connection, Requests


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
