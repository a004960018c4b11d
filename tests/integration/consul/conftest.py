from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.consul.agents import Agent
from tests.integration.consul.places import Place
from tests.servers.consul import ACL_TOKEN, CONSUL
from tests.servers.kinds import Server, server


@pytest.fixture
def agent(consul_server: Server) -> Iterator[Agent]:
    """An agent whose prefix `app` is empty, and empty again afterwards."""
    agent = Agent(consul_server.dsn)
    agent.clear()
    yield agent
    agent.clear()


@pytest.fixture
def guarded(consul_acl_server: Server) -> Iterator[Agent]:
    """The same with ACLs on, spoken to by one who may do everything."""
    agent = Agent(consul_acl_server.dsn, ACL_TOKEN)
    agent.clear()
    yield agent
    agent.clear()


@pytest.fixture(scope="module")
def own_agent() -> Iterator[Server]:
    """An agent that the tests of a module may kill and freeze."""
    with server(CONSUL, private=True) as started:
        yield started


@pytest.fixture
def place(tmp_path: Path, agent: Agent) -> Place:
    """A folder to start a service in, whose Consul is that agent."""
    return Place(tmp_path, agent.url)
