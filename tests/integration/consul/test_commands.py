"""Writing settings to Consul, and comparing with it."""

from pathlib import Path

import pytest

from app.adapters.config.consul import key_named
from tests.commands import command
from tests.integration.consul.agents import Agent
from tests.processes import environment_in


@pytest.mark.parametrize("name", ["http/port", "http.port", "/http/port", "APP_HTTP__PORT"])
def test_a_setting_goes_by_each_of_its_names(name: str) -> None:
    assert key_named(name) == ("http", "port")


def test_put_writes_what_can_be_used(tmp_path: Path, agent: Agent) -> None:
    environment = environment_in(tmp_path, CONSUL__ADDRESS=agent.url)
    put = command("config", "put", "http/port", "9000", environment=environment)
    assert (put.returncode, put.stdout) == (0, "Put app/http/port.\n")
    told = command("config", environment=environment).stdout
    assert ["APP_HTTP__PORT", "9000", "Consul", agent.url] in [line.split() for line in told.splitlines()]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("http/port", "x", "must be a whole number"),
        ("http/prot", "1", "is no setting"),
        ("consul/address", "x", "not in Consul"),
        ("auth/jwks_url", "https://issuer.example", "unset one of them"),
    ],
)
def test_put_writes_nothing_else(tmp_path: Path, agent: Agent, key: str, value: str, told: str) -> None:
    # A value here that hides Consul's doesn't make that one right.
    environment = environment_in(tmp_path, CONSUL__ADDRESS=agent.url, HTTP__PORT=1, AUTH__SECRET="s" * 32)
    put = command("config", "put", key, value, environment=environment)
    assert put.returncode == 1
    assert told in put.stderr
    assert agent.keys() == []


def test_put_mends_what_keeps_the_service_from_starting(tmp_path: Path, agent: Agent) -> None:
    agent.fill({"http/port": "x", "storage": "y"})
    environment = environment_in(tmp_path, CONSUL__ADDRESS=agent.url)
    assert command("config", environment=environment).returncode == 1
    assert command("config", "put", "http/port", "9000", environment=environment).returncode == 0
    assert command("config", "put", "storage", "sqlite", environment=environment).returncode == 0
    assert command("config", environment=environment).returncode == 0


def test_diff_tells_what_consul_changes(tmp_path: Path, agent: Agent) -> None:
    agent.fill(
        {"http/port": "9000", "log/level": "INFO", "http/host": "::1", "auth/secret": "canary" * 8, "http/prot": "1"}
    )
    environment = environment_in(tmp_path, CONSUL__ADDRESS=agent.url, HTTP__HOST="127.0.0.2")
    told = command("config", "diff", environment=environment).stdout
    assert told.splitlines() == [
        "app/auth/secret: *** wins over nothing (default)",
        "app/http/host: ::1 is hidden by 127.0.0.2 (environment)",
        "app/http/port: 9000 wins over 8000 (default)",
        f"app/http/prot (Consul {agent.url}): is no setting; did you mean app/http/port?",
    ]


def test_diff_without_consul_says_what_to_set(tmp_path: Path) -> None:
    ended = command("config", "diff", environment=environment_in(tmp_path))
    assert ended.returncode == 1
    assert "APP_CONSUL__ADDRESS (not set): is required" in ended.stderr
