"""A start without Consul, or with one that holds nothing of use."""

from pathlib import Path

import pytest

from tests.commands import command
from tests.integration.consul.agents import Agent
from tests.integration.consul.places import NOBODY, Place
from tests.processes import environment_in


@pytest.mark.parametrize("values", [{}, {"other/http/port": "1"}])
def test_a_consul_that_is_required_must_hold_something(place: Place, agent: Agent, values: dict[str, str]) -> None:
    for key, value in values.items():
        agent.put(key, value)
    message = place.refusal(CONSUL__REQUIRED=True, CONSUL__TOKEN="canary")
    assert f"no settings from {agent.url}, prefix app: Consul holds nothing below app/" in message
    assert "canary" not in message
    agent.clear("other")


def test_a_start_that_requires_a_consul_which_is_away_fails_within_its_time(tmp_path: Path) -> None:
    environment = environment_in(
        tmp_path, CONSUL__ADDRESS=NOBODY, CONSUL__PREFIX="my/app", CONSUL__REQUIRED=True, CONSUL__TOKEN="canary"
    )
    ended = command("run", environment=environment, timeout=10)
    assert ended.returncode == 1
    assert f"no settings from {NOBODY}, prefix my/app" in ended.stderr
    assert "canary" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_consul_the_last_known_good_settings_are_used(place: Place, agent: Agent) -> None:
    agent.fill({"http/port": "9000", "log/level": "DEBUG"})
    place.load()
    place.address = NOBODY
    loaded = place.load(LOG__LEVEL="ERROR")
    assert (loaded.settings.http.port, loaded.settings.log.level) == (9000, "ERROR")
    assert loaded.consul is None
    (warning,) = loaded.warnings
    assert "cannot be reached" in warning
    assert "consul-last-good.json" in warning


def test_settings_that_cannot_be_used_leave_the_last_known_good_ones(place: Place, agent: Agent) -> None:
    agent.fill({"http/port": "9000"})
    place.load()
    agent.fill({"http/port": "eighty", "name": "new"})
    loaded = place.load()
    assert (loaded.settings.http.port, loaded.settings.name) == (9000, "aiohttp service template")
    assert "app/http/port" in loaded.warnings[0]
    assert "app/http/port" in place.refusal(CONSUL__REQUIRED=True)


def test_without_consul_and_with_nothing_kept_the_others_are_used(place: Place) -> None:
    place.address = NOBODY
    loaded = place.load(env_file="APP_NAME=file\n")
    assert loaded.settings.name == "file"
    assert "none were kept" in loaded.warnings[0]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"prefix": "app", "values": {"name": 1}}', b"\xff"])
def test_kept_settings_that_are_damaged_are_none(place: Place, agent: Agent, content: bytes) -> None:
    agent.fill({"name": "there"})
    place.load()
    (place.folder / "data" / "consul-last-good.json").write_bytes(content)
    place.address = NOBODY
    assert "none were kept" in place.load().warnings[0]


def test_kept_settings_are_for_their_owner_and_their_prefix_only(place: Place, agent: Agent) -> None:
    agent.fill({"name": "there"})
    place.load()
    kept = place.folder / "data" / "consul-last-good.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [kept] == list(kept.parent.iterdir())
    place.address = NOBODY
    assert place.load(CONSUL__PREFIX="other").settings.name == "aiohttp service template"


def test_a_folder_that_cannot_be_written_is_told_and_keeps_nobody_from_starting(place: Place, agent: Agent) -> None:
    agent.fill({"name": "there"})
    (place.folder / "data").write_text("")
    loaded = place.load()
    assert loaded.settings.name == "there"
    assert "cannot be kept" in loaded.warnings[0]
