"""Servers as fixtures, one of a kind for a whole run of tests, and what is told of them at its end."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.consul import CONSUL, CONSUL_ACL
from tests.servers.kinds import Kind, Server, server, used
from tests.servers.mariadb import MARIADB
from tests.servers.mongo import MONGO, MONGO_STANDALONE
from tests.servers.nats import NATS
from tests.servers.postgres import POSTGRES
from tests.servers.redis import REDIS

GROUPED: dict[str, str] = {"postgres": "postgres_server", "mysql": "mariadb_server", "mongo": "mongo_server"}
"""Tests whose parameter is one of these, or which ask for its fixture, share a worker, and so a server."""


def _fixture(kind: Kind) -> Any:
    @pytest.fixture(scope="session", name=f"{kind.name.replace('-', '_')}_server")
    def running() -> Iterator[Server]:
        with server(kind) as started:
            yield started

    return running


postgres_server = _fixture(POSTGRES)
mariadb_server = _fixture(MARIADB)
mongo_server = _fixture(MONGO)
mongo_standalone_server = _fixture(MONGO_STANDALONE)
consul_server = _fixture(CONSUL)
consul_acl_server = _fixture(CONSUL_ACL)
redis_server = _fixture(REDIS)
nats_server = _fixture(NATS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
        fixtures = getattr(item, "fixturenames", ())
        for name, server_fixture in GROUPED.items():
            if name in [value for value in parameters if isinstance(value, str)] or server_fixture in fixtures:
                item.add_marker(pytest.mark.xdist_group(name))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["servers"] = dict(used)


class Collector:
    """Takes in what the workers' servers were."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        used.update(getattr(node, "workeroutput", {}).get("servers", {}))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Collector())


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if used:
        terminalreporter.section("servers")
        for name, origin in sorted(used.items()):
            terminalreporter.line(f"{name}: {origin}")
