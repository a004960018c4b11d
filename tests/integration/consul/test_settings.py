"""Settings out of a real Consul: the precedence, and values that cannot be used."""

from pathlib import Path

import pytest

from app.adapters.config.layers import Layers
from app.adapters.config.loading import load_settings
from app.adapters.config.sources import DotEnvSource, EnvironmentSource, SettingsError
from tests.integration.consul.agents import Agent
from tests.integration.consul.places import NOBODY, Place

SOURCES = {"consul": "Consul", "env_file": ".env line", "environment": "environment"}


@pytest.mark.parametrize(
    ("where", "wins"),
    [
        (["consul"], "consul"),
        (["environment"], "environment"),
        (["env_file"], "env_file"),
        (["env_file", "consul"], "consul"),
        (["env_file", "environment"], "environment"),
        (["consul", "environment"], "environment"),
        (["env_file", "consul", "environment"], "environment"),
        ([], None),
    ],
)
def test_the_environment_wins_over_consul_over_the_env_file_over_the_default(
    place: Place, agent: Agent, where: list[str], wins: str | None
) -> None:
    agent.put("app/version", "there")
    if "consul" in where:
        agent.put("app/name", "consul")
    loaded = place.load(
        env_file="APP_NAME=env_file\n" if "env_file" in where else "",
        **({"NAME": "environment"} if "environment" in where else {}),
    )
    (row,) = [row for row in loaded.rows() if row.variable == "APP_NAME"]
    if wins is None:
        assert (row.value, row.origin) == ("aiohttp service template", "default")
    else:
        assert row.value == wins
        assert row.origin.startswith(SOURCES[wins])


def test_an_origin_names_the_agent(place: Place, agent: Agent) -> None:
    agent.fill({"http/port": "9000", "auth/secret": "canary" * 8, "empty/": "", "auth/jwks_url": ""})
    rows = {row.variable: row for row in place.load().rows()}
    assert (rows["APP_HTTP__PORT"].value, rows["APP_HTTP__PORT"].origin) == ("9000", f"Consul {agent.url}")
    assert rows["APP_AUTH__SECRET"].value == "***"


def test_what_consul_sets_is_followed_by_what_is_derived_from_it(place: Place, agent: Agent) -> None:
    agent.put("app/sqlite/readers", "7")
    assert place.load().settings.sqlite.readers == 7


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("http/port", "eighty", "must be a whole number"),
        ("http/port", "0", "must be >= 1"),
        ("http/prot", "80", "is no setting; did you mean app/http/port?"),
        ("name", b"\xff\xfe", "is not UTF-8"),
        ("consul/token", "canary", "stands in the environment or in .env, not in Consul"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(
    place: Place, agent: Agent, key: str, value: str | bytes, told: str
) -> None:
    agent.fill({"version": "2", key: value})
    message = place.refusal()
    assert f"app/{key} (Consul {agent.url}): {told}" in message
    assert "canary" not in message


def test_all_that_is_wrong_anywhere_is_told_at_once(place: Place, agent: Agent) -> None:
    agent.fill({"http/port": "x", "storage": "y"})
    message = place.refusal(LOG__LEVEL="LOUD", NOWHERE="z")
    for name in ("app/http/port", "app/storage", "APP_LOG__LEVEL", "APP_NOWHERE"):
        assert name in message


def test_settings_of_consul_itself_that_are_wrong_are_told_with_all_others(place: Place) -> None:
    message = place.refusal(CONSUL__TIMEOUT="soon", LOG__LEVEL="LOUD")
    assert "APP_CONSUL__TIMEOUT" in message
    assert "APP_LOG__LEVEL" in message


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"APP_CONSUL__REGISTER": "true"}, "APP_CONSUL__ADDRESS (not set): is required with APP_CONSUL__REGISTER"),
        ({"APP_CONSUL__REQUIRED": "true"}, "APP_CONSUL__ADDRESS (not set): is required with APP_CONSUL__REQUIRED"),
        (
            {"APP_CONSUL__ADDRESS": NOBODY, "APP_CONSUL__REGISTER": "true", "APP_HTTP__HOST": "::"},
            "APP_CONSUL__SERVICE_ADDRESS (not set): is required",
        ),
        ({"APP_CONSUL__ADDRESS": NOBODY, "APP_CONSUL__TOKEN": "a\nb"}, "must be printable ASCII"),
    ],
)
def test_what_does_not_go_together_is_refused(environment: dict[str, str], told: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings([EnvironmentSource({"APP_DATA_DIR": str(tmp_path), **environment})])
    assert told in str(refused.value)


def test_local_sources_are_read_once(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APP_NAME=before\n")
    layers = Layers.of([DotEnvSource(tmp_path / ".env")])
    (tmp_path / ".env").write_text("APP_NAME=after\n")
    assert layers.build().settings.name == "before"
