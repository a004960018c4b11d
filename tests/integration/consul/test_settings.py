"""Settings out of a real Consul: the precedence, a start without it, and writing to it."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.adapters.config.consul import key_named
from app.adapters.config.layers import Layers
from app.adapters.config.loading import Loaded, load_settings
from app.adapters.config.sources import DotEnvSource, EnvironmentSource, SettingsError
from tests.integration.consul.agents import Agent, proxy
from tests.processes import command, environment_in

NOBODY = "http://127.0.0.1:9"


@attrs.define
class Place:
    """A folder to start a service in, with a `.env` file and an environment."""

    folder: Path
    address: str

    def load(self, *, env_file: str = "", **environment: object) -> Loaded:
        (self.folder / ".env").write_text(env_file)
        given = {"DATA_DIR": self.folder / "data", "CONSUL__ADDRESS": self.address, **environment}
        environ = {f"APP_{name}": str(value) for name, value in given.items()}
        return load_settings([DotEnvSource(self.folder / ".env"), EnvironmentSource(environ)])

    def refusal(self, **environment: object) -> str:
        with pytest.raises(SettingsError) as refused:
            self.load(**environment)  # type: ignore[arg-type]  # only environment variables are given here
        return str(refused.value)


@pytest.fixture
def place(tmp_path: Path, agent: Agent) -> Place:
    return Place(tmp_path, agent.url)


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
        ("http/prot", "80", "is no setting; did you mean APP_HTTP__PORT?"),
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


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"{}", b'{"a": 1}', b'[{"Key": 1}]', b"\xff", b"[" * 100_000])
def test_what_is_not_consul_is_told_apart(place: Place, agent: Agent, body: bytes) -> None:
    with proxy(agent.url) as before:
        before.fault = lambda handler: handler.answer(200, body)
        place.address = before.url
        message = place.refusal(CONSUL__REQUIRED=True)
    assert f"no settings from {before.url}" in message
    assert "Consul does" in message or "none of its answers" in message


def test_an_answer_without_end_is_cut(place: Place, agent: Agent) -> None:
    with proxy(agent.url) as before:
        before.fault = lambda handler: handler.answer(200, b"[" + b" " * (17 * 2**20))
        place.address = before.url
        assert "it sent too much" in place.refusal(CONSUL__REQUIRED=True)


def test_the_token_goes_in_a_header_and_nowhere_else(place: Place, agent: Agent) -> None:
    seen: list[tuple[str, str | None]] = []
    with proxy(agent.url) as before:

        def answer(handler: object) -> None:
            seen.append((handler.path, handler.headers["X-Consul-Token"]))  # type: ignore[attr-defined]  # a Handler
            handler.answer(200, b"[]")  # type: ignore[attr-defined]  # a Handler

        before.fault = answer
        place.address = before.url
        place.load(CONSUL__TOKEN="canary", CONSUL__DATACENTER="dc2")
    assert seen == [("/v1/kv/app/?recurse=1&dc=dc2", "canary")]


def test_other_variables_change_nothing(place: Place, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    agent.fill({"name": "there"})
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "https://elsewhere:1")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "canary")
    monkeypatch.setenv("CONSUL_HTTP_SSL", "true")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert place.load().settings.name == "there"


def test_authorities_that_cannot_be_read_are_named(place: Place) -> None:
    place.address = "https://127.0.0.1:9"
    assert "APP_CONSUL__CA: /nowhere.pem cannot be used" in place.refusal(
        CONSUL__CA="/nowhere.pem", CONSUL__REQUIRED=True
    )


def test_over_tls_the_agent_must_prove_who_it_is(place: Place, agent: Agent, tmp_path: Path) -> None:
    agent.fill({"name": "there"})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(a_certificate(tmp_path))
    with proxy(agent.url, context) as before:
        place.address = before.url
        assert "cannot be reached" in place.refusal(CONSUL__REQUIRED=True)
        assert place.load(CONSUL__CA=tmp_path / "agent.pem").settings.name == "there"
        assert place.load(CONSUL__VERIFY=False).settings.name == "there"


def a_certificate(folder: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "agent")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "agent.pem"
    key_bytes = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(key_bytes + certificate.public_bytes(pem))
    return file


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
        f"app/http/prot (Consul {agent.url}): is no setting; did you mean APP_HTTP__PORT?",
    ]


def test_diff_without_consul_says_what_to_set(tmp_path: Path) -> None:
    ended = command("config", "diff", environment=environment_in(tmp_path))
    assert ended.returncode == 1
    assert "APP_CONSUL__ADDRESS (not set): is required" in ended.stderr


def test_local_sources_are_read_once(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("APP_NAME=before\n")
    layers = Layers.of([DotEnvSource(tmp_path / ".env")])
    (tmp_path / ".env").write_text("APP_NAME=after\n")
    assert layers.build().settings.name == "before"
