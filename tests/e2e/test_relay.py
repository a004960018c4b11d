"""Events from a request to the stream: relays as processes, killed in the middle of their work, and the one inside."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client as NatsClient
from nats.js.errors import NotFoundError

from tests.commands import command
from tests.e2e.service import SECRET, Client
from tests.e2e.storages import running_on_same
from tests.processes import ROOT, environment_in, free_port, service
from tests.servers.kinds import Server
from tests.subjects import SUBJECTS, database_for

POSTS = "/api/v1/posts"
KILLS = 4
WITHIN = 60.0


@contextmanager
def a_relay(environment: dict[str, str], log: Path, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A relay as a process, ended by force if it is still there."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.entrypoints", "relay", *options],
            cwd=ROOT, env=environment, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def some_writes(client: Client, name: str, count: int) -> list[tuple[int, str]]:
    """Publish, edit and remove posts; what each acknowledged request did, in order."""
    done = []
    for number in range(count):
        made = await client.post(POSTS, {"title": f"{name}.{number}", "content": ""})
        assert made.status == 201, made.body
        post_id = made.json["result"]["id"]
        edited = await client.put(f"{POSTS}/{post_id}", {"title": f"{name}.{number}, edited", "content": ""}, "*")
        assert edited.status == 200, edited.body
        done += [(post_id, "post.published"), (post_id, "post.edited")]
        if number % 2:
            removed = await client.delete(f"{POSTS}/{post_id}")
            assert removed.status == 204, removed.body
            done.append((post_id, "post.removed"))
    return done


async def messages(url: str, stream: str) -> list[dict[str, Any]]:
    """The events that a stream holds."""
    client = NatsClient()
    await client.connect(url)
    try:
        manager = client.jsm()
        count = (await manager.stream_info(stream)).state.messages
        return [json.loads((await manager.get_msg(stream, place)).data or b"") for place in range(1, count + 1)]
    except NotFoundError:
        return []
    finally:
        await client.close()


async def messages_until(url: str, stream: str, count: int) -> list[dict[str, Any]]:
    """The same, when there are so many, or what there is after a while."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(WITHIN):
        while len(found) < count:
            found = await messages(url, stream)
            await asyncio.sleep(0.05)
    return found


def by_post(events: list[tuple[int, str]]) -> dict[int, list[str]]:
    """The types of each post's events, in order."""
    found: dict[int, list[str]] = {}
    for post_id, type_ in events:
        found.setdefault(post_id, []).append(type_)
    return found


@pytest.mark.long
@pytest.mark.parametrize("storage", SUBJECTS)
async def test_relays_that_are_killed_lose_nothing_and_keep_the_order(
    storage: str, request: pytest.FixtureRequest, tmp_path: Path, nats_server: Server
) -> None:
    subject = SUBJECTS[storage]
    with database_for(subject, request, tmp_path) as dsn:
        events = {"PUBLISHER": "nats", "INTERVAL": 0.05, "LEASE": 3, "PUBLISH_TIMEOUT": 1, "BATCH": 5}
        events |= {"NATS__URL": nats_server.dsn, "NATS__STREAM": storage, "NATS__SUBJECT": storage}
        named = {f"EVENTS__{name}": value for name, value in events.items()}
        environment = environment_in(tmp_path, **subject.environment(dsn), AUTH__SECRET=SECRET, **named)
        log = tmp_path / "relays.log"
        async with running_on_same(subject, tmp_path, dsn) as client:
            done = [each for name in "abc" for each in await some_writes(client, name, 10)]
            for _ in range(KILLS):
                before = len(await messages(nats_server.dsn, storage))
                with a_relay(environment, log), a_relay(environment, log):
                    await messages_until(nats_server.dsn, storage, min(before + 3, len(done)))
            done += await some_writes(client, "d", 10)
        with a_relay(environment, log) as last:
            found = await messages_until(nats_server.dsn, storage, len(done))
            last.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(last.wait, 10) == 0
    assert len({event["id"] for event in found}) == len(found)
    assert by_post([(event["post_id"], event["type"]) for event in found]) == by_post(done)
    assert "Traceback" not in log.read_text()


async def test_the_service_itself_passes_events_on_to_the_log(tmp_path: Path) -> None:
    with service(tmp_path, EVENTS__INTERVAL=0.05) as running:
        for _ in range(100):
            if running.output.read_text().count('"event":"post.published"') == 3:
                break
            await asyncio.sleep(0.1)
        assert running.output.read_text().count('"event":"post.published"') == 3
        running.process.terminate()
        assert await asyncio.to_thread(running.process.wait, 10) == 0
        assert "Traceback" not in running.output.read_text()


def test_what_was_given_up_is_tried_again_when_an_operator_says_so(tmp_path: Path, nats_server: Server) -> None:
    environment = environment_in(
        tmp_path, EVENTS__RELAY="false", EVENTS__INTERVAL=0.05, EVENTS__METRICS_PORT=(port := free_port())
    )
    command("migrate", environment=environment)
    with sqlite3.connect(tmp_path / "app.db") as database:
        database.execute(
            "INSERT INTO outbox (id, shard, post_id, type, occurred_at, payload, failures, is_dead) "
            "VALUES ('an id', 1, 1, 'post.published', 0, '{}', 20, TRUE)"
        )
    database.close()
    log = tmp_path / "relay.log"

    def eventually(says: str) -> bool:
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=1) as answer:
                    if says in answer.read().decode():
                        return True
            except OSError:
                pass
            time.sleep(0.1)
        return False

    with a_relay(environment, log):
        assert eventually("outbox_dead 1.0")
    with a_relay(environment, log, "--retry-dead"):
        assert eventually("events_delivered_total 1.0")
    assert log.read_text().count('"event":"post.published"') == 1
