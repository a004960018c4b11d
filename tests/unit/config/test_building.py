"""The loader by itself, on a settings class made up for it."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pytest
from attrs.validators import ge, le

from app.adapters.config.building import Broken, Built, Rules, build
from app.adapters.config.checks import min_bytes
from app.adapters.config.consul import ConsulSource
from app.adapters.config.secret import Dsn, Secret
from app.adapters.config.setting import setting
from app.adapters.config.sources import DotEnvSource, EnvironmentSource, Given, Reading, SettingsError, Source


@attrs.frozen
class PoolSettings:
    dsn: Dsn = setting(description="Where it is")
    size: int = setting(5, "Connections", validator=[ge(1), le(50)])


@attrs.frozen
class ServerSettings:
    port: int = setting(80, "The port", validator=[ge(1), le(65535)])
    debug: bool = setting(False, "Whether it talks")


@attrs.frozen
class Tree:
    secret: Secret | None = setting(None, "A secret", validator=min_bytes(8))
    server: ServerSettings = attrs.field(factory=ServerSettings)
    pools: dict[str, PoolSettings] = setting(attrs.Factory(dict), "Several pools")
    flags: dict[str, bool] = setting(attrs.Factory(dict), "Switches")


@attrs.frozen
class KeyValueSource:
    """Stands in for Consul: keys are paths, and the origin names one."""

    entries: Mapping[str, str]
    name: str = "Consul"

    def read(self) -> Reading:
        return Reading(
            tuple(Given(tuple(path.split("/")), path, f"Consul {path}", text) for path, text in self.entries.items())
        )


def load(environ: Mapping[str, str], rules: Rules[Tree] | None = None) -> Built[Tree]:
    return build(Tree, [EnvironmentSource(environ)], rules)


def problems(environ: Mapping[str, str], rules: Rules[Tree] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        load(environ, rules)
    return [str(problem) for problem in refusal.value.problems]


def test_without_any_source_the_defaults_hold() -> None:
    built = build(Tree, [])
    assert Tree() == built.settings
    assert {"default"} == {row.origin for row in built.rows()}


def sources(directory: Path) -> dict[str, Source]:
    (directory / ".env").write_text("APP_SERVER__PORT=1001\n")
    return {
        ".env line 1": DotEnvSource(directory / ".env"),
        "Consul server/port": KeyValueSource({"server/port": "1002"}),
        "environment": EnvironmentSource({"APP_SERVER__PORT": "1003"}),
    }


PORTS = {".env line 1": 1001, "Consul server/port": 1002, "environment": 1003}


@pytest.mark.parametrize("origin", PORTS)
def test_a_value_in_one_source_replaces_the_default(origin: str, tmp_path: Path) -> None:
    built = build(Tree, [sources(tmp_path)[origin]])
    assert (PORTS[origin], origin) == (
        built.settings.server.port,
        built.effective["server", "port"].origin,
    )


@pytest.mark.parametrize(("weak", "strong"), list(itertools.combinations(PORTS, 2)))
def test_of_two_sources_the_later_one_wins(weak: str, strong: str, tmp_path: Path) -> None:
    there = sources(tmp_path)
    built = build(Tree, [there[weak], there[strong]])
    assert (PORTS[strong], strong) == (built.settings.server.port, built.effective["server", "port"].origin)


def test_sources_complete_each_other() -> None:
    built = build(Tree, [KeyValueSource({"server/debug": "on"}), EnvironmentSource({"APP_SERVER__PORT": "2"})])
    assert ServerSettings(port=2, debug=True) == built.settings.server


def test_a_wrong_value_that_a_stronger_source_replaces_is_no_problem() -> None:
    built = build(Tree, [KeyValueSource({"server/port": "x"}), EnvironmentSource({"APP_SERVER__PORT": "2"})])
    assert built.settings.server.port == 2


def test_an_unknown_name_is_refused_in_every_source() -> None:
    with pytest.raises(SettingsError) as refusal:
        build(Tree, [KeyValueSource({"server/prot": "1"}), EnvironmentSource({"APP_SERVER__PORTS": "1"})])
    assert [str(problem) for problem in refusal.value.problems] == [
        "server/prot (Consul server/prot): is no setting; did you mean APP_SERVER__PORT?",
        "APP_SERVER__PORTS (environment): is no setting; did you mean APP_SERVER__PORT?",
    ]


@pytest.mark.parametrize(
    "name", ["APP_", "APP_SERVER", "APP___", "APP_SERVER__PORT__X", "APP_SERVER_PORT", "APP_\u0130"]
)
def test_a_name_that_is_almost_one_is_refused(name: str) -> None:
    assert problems({name: "1"})[0].startswith(f"{name} (environment): is no setting")


def test_a_name_in_small_letters_is_refused_and_does_not_count() -> None:
    assert problems({"APP_SERVER__PORT": "1", "APP_server__port": "2"}) == [
        "APP_server__port (environment): is no setting; did you mean APP_SERVER__PORT?"
    ]


def test_a_name_in_consul_is_likened_to_those_that_stand_there() -> None:
    with pytest.raises(SettingsError) as refusal:
        build(Tree, [ConsulSource("Consul", "app", {"server/prot": b"1"})])
    assert [str(each) for each in refusal.value.problems] == [
        "app/server/prot (Consul): is no setting; did you mean app/server/port?"
    ]


def test_a_name_like_nothing_known_gets_no_suggestion() -> None:
    assert problems({"APP_QQQQQQQQ": "1"}) == ["APP_QQQQQQQQ (environment): is no setting"]


def test_everything_wrong_is_told_at_once() -> None:
    environ = {
        "APP_SERVER__PORT": "0",
        "APP_SERVER__DEBUG": "maybe",
        "APP_SECRET": "short",
        "APP_NOTHING_LIKE_IT": "1",
        "APP_POOLS__PRIMARY__SIZE": "51",
    }
    assert sorted(problems(environ)) == [
        "APP_NOTHING_LIKE_IT (environment): is no setting",
        "APP_POOLS__PRIMARY__DSN (not set): is required",
        "APP_POOLS__PRIMARY__SIZE (environment): must be <= 50",
        "APP_SECRET (environment): must be at least 8 bytes",
        "APP_SERVER__DEBUG (environment): must be true or false (or 1, 0, yes, no, on, off)",
        "APP_SERVER__PORT (environment): must be >= 1",
    ]


def test_no_value_is_told_whatever_is_wrong_with_it() -> None:
    names = [
        "APP_SERVER__PORT",
        "APP_SERVER__DEBUG",
        "APP_POOLS__A__DSN",
        "APP_POOLS__A__SIZE",
        "APP_FLAGS__X",
        "APP_UNKNOWN",
    ]
    with pytest.raises(SettingsError) as refusal:
        load(dict.fromkeys(names, "canary ") | {"APP_SECRET": "canary"})
    assert len(names) + 1 == len(refusal.value.problems)
    assert "canary" not in str(refusal.value) + repr(refusal.value) + repr(refusal.value.problems)


def test_pools_are_named_by_their_variables() -> None:
    built = load(
        {"APP_POOLS__PRIMARY__DSN": "pg://a", "APP_POOLS__READ_ONLY__DSN": "pg://b", "APP_POOLS__READ_ONLY__SIZE": "2"}
    )
    assert {
        "primary": PoolSettings(dsn=Dsn("pg://a")),
        "read_only": PoolSettings(dsn=Dsn("pg://b"), size=2),
    } == built.settings.pools
    assert [row.variable for row in built.rows()][3:5] == ["APP_POOLS__PRIMARY__DSN", "APP_POOLS__PRIMARY__SIZE"]


def test_plain_values_may_be_named_too() -> None:
    assert load({"APP_FLAGS__NEW_PAGE": "on", "APP_FLAGS__OLD": "off"}).settings.flags == {
        "new_page": True,
        "old": False,
    }


@pytest.mark.parametrize("name", ["APP_POOLS__DSN", "APP_POOLS____DSN", "APP_POOLS__1__DSN", "APP_FLAGS__A__B"])
def test_a_pool_without_a_proper_name_is_refused(name: str) -> None:
    assert any(problem.startswith(f"{name} (environment): is no setting") for problem in problems({name: "pg://x"}))


def test_a_misspelt_setting_of_a_pool_is_refused_with_the_pool_s_own_name() -> None:
    environ = {"APP_POOLS__PRIMARY__DSN": "pg://a", "APP_POOLS__PRIMARY__SIZ": "1"}
    assert problems(environ) == [
        "APP_POOLS__PRIMARY__SIZ (environment): is no setting; did you mean APP_POOLS__PRIMARY__SIZE?"
    ]


def test_rows_mask_what_is_secret() -> None:
    rows = load({"APP_SECRET": "canary-canary", "APP_POOLS__A__DSN": "pg://me:canary@host/db?password=canary"}).rows()
    assert [rows[0].value, rows[3].value] == ["***", "pg://me:***@host/db?password=***"]
    assert "canary" not in repr(rows)


def test_what_was_loaded_does_not_print_a_secret() -> None:
    assert "canary" not in repr(load({"APP_SECRET": "canary-canary"}))


def _port_from_secret(given: Mapping[tuple[str, ...], Given]) -> Iterator[Given]:
    if ("secret",) in given:
        yield Given(("server", "port"), "APP_SECRET", "follows APP_SECRET", "443")


@pytest.mark.parametrize(("environ", "port"), [({}, 80), ({"APP_SERVER__PORT": "9"}, 9)])
def test_a_derived_value_yields_to_any_source(environ: dict[str, str], port: int) -> None:
    rules: Rules[Tree] = Rules(derive=_port_from_secret)
    assert load({"APP_SECRET": "x" * 8}, rules).settings.server.port == 443
    assert port == load(environ, rules).settings.server.port


def _debug_needs_a_high_port(tree: Tree) -> Iterator[Broken]:
    if tree.server.debug and tree.server.port < 1024:
        yield Broken((("server", "debug"), ("server", "port")), "needs a port above 1023")


def test_a_broken_rule_is_told_along_with_the_rest() -> None:
    rules = Rules(refuse=_debug_needs_a_high_port)
    assert (problems({"APP_SERVER__DEBUG": "on", "APP_SECRET": "x"}, rules)) == [
        "APP_SECRET (environment): must be at least 8 bytes",
        "APP_SERVER__DEBUG (environment): needs a port above 1023",
    ]


def test_a_rule_is_not_told_of_a_value_that_could_not_be_read() -> None:
    rules = Rules(refuse=_debug_needs_a_high_port)
    assert problems({"APP_SERVER__DEBUG": "on", "APP_SERVER__PORT": "x"}, rules) == [
        "APP_SERVER__PORT (environment): must be a whole number"
    ]
