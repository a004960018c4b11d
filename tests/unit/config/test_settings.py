"""The settings of this service: their names, their rules, and the files made from them."""

import os
import re
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs.validators import and_, ge, gt, in_, le, lt, matches_re, max_len, min_len, optional

from app.adapters.config.checks import parts, web_address, words
from app.adapters.config.description import describe, setting_names
from app.adapters.config.dev_secret import dev_secret, signing_secret
from app.adapters.config.example import env_example
from app.adapters.config.loading import load_settings
from app.adapters.config.rules import DEV_DSNS, derived, refused
from app.adapters.config.secret import Dsn, Secret
from app.adapters.config.setting import Key, setting
from app.adapters.config.settings import Environment, LogFormat, Settings, StorageSettings, where_data_is
from app.adapters.config.sources import DotEnvSource, EnvironmentSource, Given, SettingsError
from app.adapters.consul.settings import ConsulSettings
from app.adapters.http.settings import ClientSettings

ROOT = Path(__file__).parents[3]
SECRET = "s" * 32
JWKS = {"APP_AUTH__JWKS_URL": "https://issuer.example/keys", "APP_AUTH__ISSUER": "i", "APP_AUTH__AUDIENCE": "a"}


def load(**environ: str) -> Settings:
    return load_settings([EnvironmentSource(environ)]).settings


def problems(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        load(**environ)
    return [str(problem) for problem in refusal.value.problems]


def test_the_defaults_need_nothing() -> None:
    assert Settings() == load()
    assert (
        load().env,
        load().storage,
        load().http.port,
        load().log.format,
    ) == (Environment.DEV, "sqlite", 8000, LogFormat.AUTO)


def test_the_settings_of_this_process_are_its_environment_over_its_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("APP_NAME=file\nAPP_VERSION=file\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_NAME", "process")
    before = dict(os.environ)
    settings = load_settings().settings
    assert (settings.name, settings.version) == ("process", "file")
    assert before == dict(os.environ)


def test_the_database_file_follows_the_data_folder_unless_it_is_set() -> None:
    assert Path("/d/app.db") == load(APP_DATA_DIR="/d").sqlite.path
    assert Path("/x.db") == load(APP_DATA_DIR="/d", APP_SQLITE__PATH="/x.db").sqlite.path


def test_every_storage_is_a_choice_and_nothing_else_is() -> None:
    for field in attrs.fields(StorageSettings):
        assert field.name == load(APP_STORAGE=field.name).storage
    choices = " | ".join(field.name for field in attrs.fields(StorageSettings))
    assert problems(APP_STORAGE="oracle") == [f"APP_STORAGE (environment): must be {choices}"]


def derived_dsns(**texts: str) -> dict[Key, str]:
    given: dict[Key, Given] = {(name,): Given((name,), name, "environment", text) for name, text in texts.items()}
    return {each.key: each.text for each in derived(given)}


@pytest.mark.parametrize("storage", DEV_DSNS)
def test_in_dev_a_storage_that_is_a_server_is_taken_to_be_on_this_machine(storage: str) -> None:
    known = {(storage, "primary", "dsn"): DEV_DSNS[storage]}
    assert known == derived_dsns(storage=storage)
    assert known == derived_dsns(storage=storage, env="Dev")
    assert derived_dsns(storage=storage, env="prod") == {}


def test_a_storage_that_is_a_file_needs_no_server() -> None:
    assert derived_dsns(storage="sqlite") == {}


@pytest.mark.parametrize("storage", [field.name for field in attrs.fields(StorageSettings)])
def test_where_the_data_is_can_be_told_of_every_storage_and_holds_no_password(storage: str) -> None:
    told = where_data_is(load(APP_STORAGE=storage, APP_DATA_DIR="/d"))
    assert told == str(Dsn(DEV_DSNS[storage])) if storage in DEV_DSNS else "/d/app.db"
    assert ":app@" not in told


def test_a_body_has_less_time_than_its_request() -> None:
    request, body = "APP_HTTP__REQUEST_TIMEOUT", "APP_HTTP__BODY_TIMEOUT"
    told = f"{body} (environment): must be less than {request}"
    assert problems(**{body: "6"}) == [told]
    assert problems(**{body: "3", request: "3", "APP_HTTP__PORT": "0"}) == [
        "APP_HTTP__PORT (environment): must be >= 1",
        told,
    ]
    assert load(**{body: "6", request: "7"}).http.body_timeout == 6.0


@pytest.mark.parametrize(("request_timeout", "expected"), [("0.5", 0.4), ("4", 3.2), ("4.5", 4.0), ("60", 4.0)])
def test_a_body_time_that_nobody_set_follows_a_short_request(request_timeout: str, expected: float) -> None:
    assert load(APP_HTTP__REQUEST_TIMEOUT=request_timeout).http.body_timeout == expected


@pytest.mark.parametrize("text", ["soon", "nan", "-1", "0"])
def test_a_request_timeout_that_is_none_is_the_only_problem(text: str) -> None:
    (problem,) = problems(APP_HTTP__REQUEST_TIMEOUT=text)
    assert problem.startswith("APP_HTTP__REQUEST_TIMEOUT (environment): must be")


@pytest.mark.parametrize("env", ["test", "staging", "prod"])
def test_outside_dev_something_to_check_tokens_with_is_required(env: str) -> None:
    (problem,) = problems(APP_ENV=env)
    assert problem.startswith("APP_AUTH__SECRET (not set): is required outside dev")
    assert "make one with: python -c" in problem
    assert Secret(SECRET) == load(APP_ENV=env, APP_AUTH__SECRET=SECRET).auth.secret
    assert load(APP_ENV=env, **JWKS).auth.secret is None


def test_an_empty_secret_is_a_missing_one() -> None:
    assert problems(APP_ENV="prod", APP_AUTH__SECRET="")[0].startswith("APP_AUTH__SECRET (environment): is required")


@pytest.mark.parametrize("env", ["dev", "prod"])
def test_a_short_secret_is_refused_everywhere(env: str) -> None:
    assert problems(APP_ENV=env, APP_AUTH__SECRET="s" * 31) == [
        "APP_AUTH__SECRET (environment): must be at least 32 bytes"
    ]


def test_a_secret_is_measured_in_bytes() -> None:
    assert Secret("é" * 16) == load(APP_AUTH__SECRET="é" * 16).auth.secret


def test_a_secret_and_a_jwks_url_exclude_each_other() -> None:
    environ = {"APP_AUTH__SECRET": SECRET, **JWKS}
    assert problems(**environ) == [
        "APP_AUTH__SECRET (environment): cannot stand beside APP_AUTH__JWKS_URL; unset one of them"
    ]


def test_outside_dev_keys_come_encrypted_and_from_a_named_issuer() -> None:
    assert problems(APP_ENV="prod", APP_AUTH__JWKS_URL="http://127.0.0.1:1/keys") == [
        "APP_AUTH__JWKS_URL (environment): must be https outside dev and test",
        "APP_AUTH__ISSUER (not set): is required with APP_AUTH__JWKS_URL",
        "APP_AUTH__AUDIENCE (not set): is required with APP_AUTH__JWKS_URL",
    ]
    assert load(APP_AUTH__JWKS_URL="http://127.0.0.1:1/keys").auth.secret is None


@pytest.mark.parametrize(
    "url", ["issuer.example", "ftp://x", "https://", "https://me:canary@x/", "http://x:99999", "http://[x"]
)
def test_what_is_no_web_address_is_refused_for_the_keys(url: str) -> None:
    told = problems(APP_AUTH__JWKS_URL=url)
    assert told == ["APP_AUTH__JWKS_URL (environment): must be an http or https URL without user or password"]


def test_the_environment_that_could_not_be_read_brings_no_further_problems() -> None:
    assert problems(APP_ENV="produktion") == ["APP_ENV (environment): must be one of dev, test, staging, prod"]


def test_every_setting_says_what_it_is_for() -> None:
    told = describe(Settings)
    assert setting_names(Settings) == [info.variable for info in told]
    assert [info.variable for info in told if len(info.description) < 5] == []
    by_name = {info.variable: info for info in told}
    assert by_name["APP_AUTH__SECRET"].secret
    assert by_name["APP_LOG__LEVEL"].reloadable
    assert (
        by_name["APP_HTTP__PORT"].type,
        by_name["APP_HTTP__PORT"].default,
    ) == ("whole number, >= 1, <= 65535", "8000")


def test_the_example_file_is_up_to_date() -> None:
    assert env_example() == (ROOT / ".env.example").read_text(), (
        "run: python -m app.entrypoints config --example > .env.example"
    )


def test_the_example_file_with_all_comments_taken_away_says_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(re.sub(r"(?m)^#(?=APP_[^<]*=)", "", env_example()))
    loaded = load_settings([DotEnvSource(path)])
    assert Settings() == loaded.settings
    assert "default" not in {row.origin for row in loaded.rows()}


@pytest.mark.parametrize(
    ("validator", "demand"),
    [
        ([ge(1), le(2)], [">= 1", "<= 2"]),
        (and_(gt(1), and_(lt(2), ge(0))), ["> 1", "< 2", ">= 0"]),
        (optional(ge(1)), [">= 1"]),
        (in_(["a", Environment.DEV]), ["a | dev"]),
        (min_len(1), ["not empty"]),
        (min_len(2), ["a length of at least 2"]),
        (max_len(2), ["a length of at most 2"]),
        (matches_re("[a-z]+"), ["in the form [a-z]+"]),
        (web_address, ["an http or https URL without user or password"]),
    ],
)
def test_every_validator_is_put_in_words(validator: Any, demand: list[str]) -> None:
    @attrs.frozen
    class One:
        value: Any = setting(None, "A value", validator=validator)

    assert demand == [words(part) for part in parts(attrs.fields(One).value.validator)]


def test_a_validator_without_words_is_an_error_of_the_program() -> None:
    with pytest.raises(TypeError, match="cannot be described"):
        words(lambda instance, attribute, value: None)


def test_in_dev_the_first_run_makes_a_secret_that_stays(tmp_path: Path) -> None:
    made = dev_secret(tmp_path / "new" / "data")
    assert made == dev_secret(tmp_path / "new" / "data")
    kept = tmp_path / "new" / "data" / "dev-secret"
    assert (kept.stat().st_mode & 0o777, len(made.reveal()) >= 32) == (0o600, True)
    assert [kept] == list(kept.parent.iterdir())


def test_two_first_runs_at_once_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other: list[Secret] = []
    link = os.link

    def slower(source: str, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        other.append(dev_secret(tmp_path))
        link(source, target)

    monkeypatch.setattr(os, "link", slower)
    assert dev_secret(tmp_path) == other[0]
    assert [path.name for path in tmp_path.iterdir()] == ["dev-secret"]


@pytest.mark.parametrize(("content", "why"), [(b"canary", "is too short"), (b"\xff" * 40, "cannot be used")])
def test_a_kept_secret_that_is_damaged_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "dev-secret").write_bytes(content)
    with pytest.raises(SettingsError, match=why) as refusal:
        dev_secret(tmp_path)
    assert "canary" not in str(refusal.value)


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(SettingsError, match="cannot be used"):
        dev_secret(tmp_path / "data")


def test_tokens_are_signed_with_the_secret_set_or_else_the_kept_one(tmp_path: Path) -> None:
    assert Secret(SECRET) == signing_secret(load(APP_AUTH__SECRET=SECRET, APP_DATA_DIR=str(tmp_path)))
    assert signing_secret(load(APP_DATA_DIR=str(tmp_path), **JWKS)) is None
    assert list(tmp_path.iterdir()) == []
    assert dev_secret(tmp_path) == signing_secret(load(APP_DATA_DIR=str(tmp_path)))


def test_at_an_upstream_we_log_in_in_one_way() -> None:
    name = "APP_APP_PAGES"
    login = {f"{name}__USER": "me", f"{name}__PASSWORD": "canary"}
    assert load(**login).app_pages.user == "me"
    assert problems(**login, **{f"{name}__TOKEN": "canary"}) == [
        f"{name}__TOKEN (environment): cannot stand beside {name}__USER; unset one of them"
    ]
    assert problems(**{f"{name}__USER": "me"}) == [f"{name}__PASSWORD (not set): is required with {name}__USER"]
    assert problems(**{f"{name}__PASSWORD": "canary"}) == [f"{name}__USER (not set): is required with {name}__PASSWORD"]


def test_an_upstream_is_at_a_url_or_in_consul() -> None:
    name, consul = "APP_APP_PAGES__SERVICE", ConsulSettings(address="http://127.0.0.1:8500")
    assert problems(**{name: "app-pages"}) == [f"APP_CONSUL__ADDRESS (not set): is required with {name}"]
    alone = Settings(consul=consul, app_pages=ClientSettings(service="app-pages"))
    assert list(refused(alone)) == []
    both = Settings(consul=consul, app_pages=ClientSettings(service="app-pages", url="http://127.0.0.1:1"))
    (broken,) = refused(both)
    assert (broken.keys[0], broken.message) == (
        ("app_pages", "service"),
        "cannot stand beside APP_APP_PAGES__URL; unset one of them",
    )


def test_headers_of_an_upstream_are_chosen_by_name_and_kept_secret() -> None:
    settings = load(APP_APP_PAGES__HEADERS__X_API_KEY="canary")
    assert settings.app_pages.headers == {"x_api_key": Secret("canary")}
    assert "canary" not in repr(settings)


@pytest.mark.parametrize("name", ["TOKEN", "HEADERS__X_API_KEY", "USER_AGENT"])
@pytest.mark.parametrize("value", ["two\r\nX-Evil: lines", "ünïcode", " padded"])
def test_what_cannot_be_sent_as_a_header_is_refused(name: str, value: str) -> None:
    assert problems(**{f"APP_APP_PAGES__{name}": value}) == [
        f"APP_APP_PAGES__{name} (environment): must be printable ASCII, with no space around it"
    ]


def test_pages_of_any_origin_may_not_send_cookies() -> None:
    wrong = problems(APP_CORS__ORIGINS="*", APP_CORS__CREDENTIALS="true")
    assert wrong == ["APP_CORS__CREDENTIALS (environment): cannot stand beside APP_CORS__ORIGINS=*; name the origins"]


@pytest.mark.parametrize(
    "origins", ["app.example.org", "https://app.example.org/", "https://user@app.example.org", "*,https://a.b", "null"]
)
def test_origins_are_as_browsers_send_them(origins: str) -> None:
    assert "origins as browsers send them" in problems(APP_CORS__ORIGINS=origins)[0]
    assert load(APP_CORS__ORIGINS="https://a.example, http://[::1]:3000").cors.origins[1] == "http://[::1]:3000"


def test_a_redis_to_count_in_needs_a_limit() -> None:
    assert "APP_RATE_LIMIT__PER_SECOND" in problems(APP_RATE_LIMIT__REDIS="redis://127.0.0.1/0")[0]
    assert "redis://" in problems(APP_RATE_LIMIT__REDIS="http://127.0.0.1/0", APP_RATE_LIMIT__PER_SECOND="1")[0]


def test_a_webhook_needs_an_address_and_a_secret() -> None:
    assert problems(APP_EVENTS__PUBLISHER="webhook") == [
        "APP_EVENTS__WEBHOOK__URL (not set): is required with APP_EVENTS__PUBLISHER=webhook",
        "APP_EVENTS__WEBHOOK__SECRET (not set): is required with APP_EVENTS__PUBLISHER=webhook",
    ]


def test_a_lease_outlasts_a_receiver() -> None:
    assert problems(APP_EVENTS__LEASE="6") == [
        "APP_EVENTS__LEASE (environment): must be two seconds above APP_EVENTS__PUBLISH_TIMEOUT"
    ]


@pytest.mark.parametrize(("name", "meant"), [("REPLICAA", "REPLICA"), ("PRIMRY", "PRIMARY"), ("REPLICAS", "REPLICA")])
def test_a_pool_that_is_almost_one_of_ours_is_refused(name: str, meant: str) -> None:
    dsn = "postgresql://app@127.0.0.1/app"
    assert problems(**{f"APP_POSTGRES__{name}__DSN": dsn}) == [
        f"APP_POSTGRES__{name}__DSN (environment): is no pool; did you mean APP_POSTGRES__{meant}__DSN?"
    ]
    assert "reports" in load(APP_POSTGRES__REPORTS__DSN=dsn).postgres


@pytest.mark.parametrize("dsn", ["postgresql://app@127.0.0.1", "postgresql://127.0.0.1:5432/", "postgresql:///?x=/a"])
def test_an_address_of_postgresql_names_a_database(dsn: str) -> None:
    (problem,) = problems(APP_POSTGRES__PRIMARY__DSN=dsn)
    assert "/name" in problem


@pytest.mark.parametrize("dsn", ["postgresql://u:p%2F@a,b:5433/name?sslmode=require", "postgres:///name?host=/tmp"])
def test_addresses_of_postgresql_may_have_several_hosts_or_none(dsn: str) -> None:
    assert load(APP_POSTGRES__PRIMARY__DSN=dsn).postgres["primary"].dsn.reveal() == dsn
