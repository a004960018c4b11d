"""Real processes of the service, registered in a real agent."""

import asyncio
import http.client
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from app.adapters.consul.client import ConsulClient
from app.adapters.consul.discovery import Discovery
from app.adapters.consul.registration import Listening, Registration
from app.adapters.consul.settings import ConsulSettings
from tests.integration.consul.agents import Agent, Handler, eventually, proxy, until
from tests.processes import Service, free_port, service
from tests.servers.kinds import Server

NAME = "template-under-test"
TTL = 3


@contextmanager
def registered(folder: Path, agent: Agent, address: str = "") -> Iterator[Service]:
    folder.mkdir(exist_ok=True)
    with service(
        folder,
        CONSUL__ADDRESS=address or agent.url, CONSUL__REGISTER=True, CONSUL__SERVICE=NAME, CONSUL__TTL=TTL,
        VERSION="1.2.3", CONSUL__SERVICE_TAGS="blue,eu",
    ) as running:  # fmt: skip
        eventually(lambda: id_of(running) in agent.passing(NAME))
        yield running


def id_of(running: Service) -> str:
    return f"{NAME}-127.0.0.1-{running.url.rpartition(':')[2]}"


@pytest.fixture
def settled(own_agent: Server) -> Agent:
    """An agent of the module's own, with settings for the service."""
    agent = Agent(own_agent.dsn)
    agent.fill({"log/level": "INFO"})
    for left_behind in agent.registered():
        agent.call("PUT", f"agent/service/deregister/{left_behind}")
    return agent


async def test_of_two_instances_the_killed_one_is_not_handed_out_any_more(tmp_path: Path, settled: Agent) -> None:
    client = ConsulClient(ConsulSettings(address=settled.url))
    discovery = Discovery(client, NAME)
    await client.open()
    with ExitStack() as stack:
        one = stack.enter_context(registered(tmp_path / "one", settled))
        other = stack.enter_context(registered(tmp_path / "other", settled))
        await discovery.open()
        await until(lambda: discovery.known == 2)
        one.process.kill()
        killed = time.monotonic()
        await until(lambda: discovery.known == 1)
        print(f"gone after {time.monotonic() - killed:.2f} s, TTL {TTL} s")
        with discovery.pick() as instance:
            assert instance.url == other.url
    await discovery.close()
    await client.close()


def test_an_instance_says_where_and_what_it_is(tmp_path: Path, settled: Agent) -> None:
    with registered(tmp_path, settled) as running:
        entry = settled.registered()[id_of(running)]
        assert (entry["Address"], entry["Port"]) == ("127.0.0.1", int(running.url.rpartition(":")[2]))
        assert (entry["Tags"], entry["Meta"]) == (["blue", "eu"], {"version": "1.2.3"})
        eventually(lambda: "consul_registered 1.0" in http_get(running, "/metrics"))
        assert "config_stale 0.0" in http_get(running, "/metrics")


def http_get(running: Service, path: str) -> str:
    connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=10)
    connection.request("GET", path)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def test_it_deregisters_before_it_stops_serving(tmp_path: Path, settled: Agent) -> None:
    leaving, seen = threading.Event(), threading.Event()

    def hold(handler: Handler) -> None:
        if "deregister" in handler.path:
            leaving.set()
            seen.wait(10)
        handler.forward()

    with proxy(settled.url) as before, registered(tmp_path, settled, address=before.url) as running:
        before.fault = hold
        running.process.send_signal(signal.SIGTERM)
        assert leaving.wait(10)
        assert "alive" in http_get(running, "/health/live")
        assert "draining" in http_get(running, "/health/ready")
        seen.set()
        assert running.process.wait(10) == 0
        assert id_of(running) not in settled.registered()


def test_a_consul_that_is_frozen_does_not_keep_the_service_from_ending(tmp_path: Path, settled: Agent) -> None:
    with proxy(settled.url) as before, registered(tmp_path, settled, address=before.url) as running:
        before.fault = lambda handler: time.sleep(10)
        running.process.terminate()
        assert running.process.wait(8) == 0
        assert "Could not deregister" in running.output.read_text()


@attrs.define
class Moody:
    """Readiness as the test has it."""

    problem: str | None = "starting"


@pytest.fixture
async def listening() -> AsyncIterator[int]:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", free_port())
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def registering(agent: Agent, port: int, ready: Moody, **settings: Any) -> AsyncIterator[Registration]:
    given = ConsulSettings(address=agent.url, register=True, service=NAME, ttl=TTL, **settings)
    client = ConsulClient(given)
    registration = Registration(client, given, Listening("127.0.0.1", port, "1"), ready)
    await client.open()
    await registration.open()
    try:
        yield registration
    finally:
        await registration.close()
        await client.close()


async def test_only_a_ready_instance_is_handed_out(settled: Agent, listening: int) -> None:
    ready = Moody()
    async with registering(settled, listening, ready) as registration:
        await asyncio.sleep(1)
        assert registration.id not in await asyncio.to_thread(settled.registered)
        ready.problem = None
        await until(lambda: registration.id in settled.passing(NAME))
        ready.problem = "the storage does not answer"
        await until(lambda: registration.id not in settled.passing(NAME))
        checks = await asyncio.to_thread(settled.call, "GET", f"health/checks/{NAME}")
        (check,) = [check for check in checks if check["ServiceID"] == registration.id]
        assert (check["Status"], check["Output"]) == ("critical", "the storage does not answer")
        ready.problem = None
        await until(lambda: registration.id in settled.passing(NAME))
    assert registration.id not in await asyncio.to_thread(settled.registered)


async def test_an_instance_whose_port_is_shut_is_not_registered(settled: Agent) -> None:
    async with registering(settled, free_port(), Moody(None)) as registration:
        await asyncio.sleep(1.5)
        assert registration.id not in await asyncio.to_thread(settled.registered)


async def test_an_instance_may_be_reached_elsewhere(settled: Agent, listening: int) -> None:
    elsewhere = {"service_address": "service.example", "service_port": 81}
    async with registering(settled, listening, Moody(None), **elsewhere) as registration:
        await until(lambda: registration.id in settled.passing(NAME))
        entry = (await asyncio.to_thread(settled.registered))[registration.id]
        assert (entry["Address"], entry["Port"]) == ("service.example", 81)


async def test_what_stays_critical_is_removed_by_consul(
    settled: Agent, listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    async def note(self: ConsulClient, described: dict[str, Any]) -> None:
        asked.append(described)

    monkeypatch.setattr(ConsulClient, "register", note)
    async with registering(settled, listening, Moody(None), deregister_after=90.0):
        await until(lambda: asked)
    assert asked[0]["Check"]["DeregisterCriticalServiceAfter"] == "90s"


def test_an_agent_that_lost_its_state_is_told_again(tmp_path: Path, own_agent: Server, settled: Agent) -> None:
    assert own_agent.process is not None
    with registered(tmp_path, settled) as running:
        own_agent.process.kill()
        own_agent.process.start()
        assert settled.keys() == []
        eventually(lambda: id_of(running) in settled.passing(NAME))
        assert "Registered as" in running.output.read_text()


def test_an_instance_that_was_taken_out_registers_again(tmp_path: Path, settled: Agent) -> None:
    with registered(tmp_path, settled) as running:
        settled.call("PUT", f"agent/service/deregister/{id_of(running)}")
        eventually(lambda: id_of(running) in settled.passing(NAME))


def test_an_agent_that_is_away_at_the_start_is_told_later(tmp_path: Path, settled: Agent) -> None:
    with proxy(settled.url) as before:
        before.fault = lambda handler: handler.reset()
        with service(
            tmp_path, CONSUL__ADDRESS=before.url, CONSUL__REGISTER=True, CONSUL__SERVICE=NAME, CONSUL__TTL=TTL
        ) as running:
            before.fault = None
            eventually(lambda: id_of(running) in settled.passing(NAME))
