"""The instances of a service, kept current by a real agent."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import attrs
import pytest

from app.adapters.consul.client import ConsulClient
from app.adapters.consul.discovery import Discovery
from app.adapters.consul.settings import ConsulSettings
from app.domain.errors import Unavailable
from tests.integration.consul.agents import Agent, Proxy, proxy, until
from tests.servers.kinds import Server


@attrs.frozen
class Pages:
    """A service with instances that a test registers by hand."""

    agent: Agent
    name: str

    async def add(self, number: int, status: str = "passing") -> None:
        check = {"CheckID": f"{self.name}-{number}", "TTL": "600s", "Status": status}
        service = {"ID": f"{self.name}-{number}", "Name": self.name, "Port": 80, "Address": f"10.0.0.{number}"}
        body = json.dumps({**service, "Check": check}).encode()
        await asyncio.to_thread(self.agent.call, "PUT", "agent/service/register", body)

    async def set(self, number: int, status: str) -> None:
        await asyncio.to_thread(self.agent.call, "PUT", f"agent/check/{status}/{self.name}-{number}")

    async def remove(self, number: int) -> None:
        await asyncio.to_thread(self.agent.call, "PUT", f"agent/service/deregister/{self.name}-{number}")


@pytest.fixture
def pages(consul_server: Server) -> Iterator[Pages]:
    agent = Agent(consul_server.dsn)
    pages = Pages(agent, f"pages-{uuid.uuid4().hex}")
    yield pages
    for service_id in agent.registered():
        if service_id.startswith(pages.name):
            agent.call("PUT", f"agent/service/deregister/{service_id}")


@asynccontextmanager
async def following(url: str, name: str) -> AsyncIterator[Discovery]:
    client = ConsulClient(ConsulSettings(address=url))
    discovery = Discovery(client, name)
    await client.open()
    try:
        await discovery.open()
        yield discovery
    finally:
        await discovery.close()
        await client.close()


def urls(discovery: Discovery) -> set[str]:
    found = set()
    for _ in range(50):
        with discovery.pick() as instance:
            found.add(instance.url)
    return found


async def test_the_healthy_instances_are_known_from_the_start_on(pages: Pages) -> None:
    await pages.add(1)
    await pages.add(2)
    await pages.add(3, "critical")
    async with following(pages.agent.url, pages.name) as discovery:
        assert urls(discovery) == {"http://10.0.0.1:80", "http://10.0.0.2:80"}


async def test_instances_come_and_go(pages: Pages) -> None:
    async with following(pages.agent.url, pages.name) as discovery:
        with pytest.raises(Unavailable), discovery.pick():
            pass
        await pages.add(1)
        await until(lambda: discovery.known == 1)
        await pages.add(2)
        await until(lambda: discovery.known == 2)
        await pages.set(1, "fail")
        await until(lambda: discovery.known == 1)
        assert urls(discovery) == {"http://10.0.0.2:80"}
        await pages.set(1, "pass")
        await until(lambda: discovery.known == 2)
        await pages.remove(1)
        await pages.remove(2)
        await until(lambda: discovery.known == 0)


@pytest.fixture
def between(pages: Pages) -> Iterator[Proxy]:
    with proxy(pages.agent.url) as before:
        yield before


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[{}]", b'[{"Service": {"ID": 1}}]', b"\xff"])
async def test_what_is_no_list_of_instances_leaves_the_last_one(pages: Pages, between: Proxy, body: bytes) -> None:
    await pages.add(1)
    async with following(between.url, pages.name) as discovery:
        between.fault = lambda handler: handler.answer(200, body, "9")
        await pages.add(2)
        await until(lambda: discovery.stale)
        assert urls(discovery) == {"http://10.0.0.1:80"}
        between.fault = None
        await until(lambda: discovery.known == 2)


async def test_a_consul_that_is_away_at_the_start_is_waited_for(pages: Pages, between: Proxy) -> None:
    await pages.add(1)
    between.fault = lambda handler: handler.reset()
    async with following(between.url, pages.name) as discovery:
        with pytest.raises(Unavailable), discovery.pick():
            pass
        between.fault = None
        await until(lambda: discovery.known == 1)


async def test_an_agent_that_lost_its_state_is_not_believed_at_once(pages: Pages, between: Proxy) -> None:
    await pages.add(1)
    async with following(between.url, pages.name) as discovery:
        between.fault = lambda handler: handler.answer(200, b"[]", "1")
        await pages.add(2)
        asked = len(between.asked)
        await until(lambda: len(between.asked) > asked + 1)
        assert urls(discovery) == {"http://10.0.0.1:80"}
