"""A Consul agent for tests."""

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.servers.kinds import SHARED, Kind, binary
from tests.servers.process import Launch

ACL_TOKEN = "11111111-2222-3333-4444-555555555555"
"""The agent's own token in the kind with ACLs on."""


def _argv(acl: bool) -> Callable[[Path, int], Launch | None]:
    def launch(folder: Path, port: int) -> Launch | None:
        script = SHARED / "consul"
        consul = binary("consul")
        if consul is not None:
            return Launch(
                [consul, "agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1", *_ports(port), *_acl(folder, acl)]
            )
        if script.exists() and os.geteuid() == 0:
            environment = {"CONSUL_ACL_TOKEN": ACL_TOKEN if acl else ""}
            return Launch([str(script), str(folder / "data"), str(port)], user=None, environment=environment)
        return None

    return launch


def _ports(port: int) -> list[str]:
    others = [f"-server-port={port + 1}", f"-serf-lan-port={port + 2}", f"-serf-wan-port={port + 3}"]
    return [f"-http-port={port}", "-dns-port=-1", "-grpc-port=-1", *others]


def _acl(folder: Path, acl: bool) -> list[str]:
    if not acl:
        return []
    file = folder / "acl.hcl"
    file.write_text(f'acl {{ enabled = true default_policy = "deny" tokens {{ master = "{ACL_TOKEN}" }} }}\n')
    return [f"-config-file={file}"]


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/v1/status/leader", timeout=2) as answer:
            return len(answer.read()) > 4
    except (urllib.error.URLError, OSError):
        return False


def _kind(name: str, variable: str, *, acl: bool) -> Kind:
    return Kind(
        name=name,
        variable=variable,
        hint="install consul, or name an agent (http://host:port) in TEST_CONSUL_ADDR",
        launch=_argv(acl),
        dsn=lambda port: f"http://127.0.0.1:{port}",
        answers=_answers,
        docker=None if acl else lambda port: [
            "--publish", f"127.0.0.1:{port}:8500", "hashicorp/consul", "agent", "-dev", "-client=0.0.0.0",
        ],
    )  # fmt: skip


CONSUL = _kind("consul", "TEST_CONSUL_ADDR", acl=False)
CONSUL_ACL = _kind("consul-acl", "TEST_CONSUL_ACL_ADDR", acl=True)
