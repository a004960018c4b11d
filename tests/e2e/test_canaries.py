"""Secrets planted everywhere that one can come in, and looked for everywhere that one can come out."""

import json
import secrets
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.collector import Collector, collector
from tests.commands import command, token_of
from tests.processes import Service, environment_in, service


class Canaries:
    """Makes secrets, and finds them again."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def plant(self, where: str) -> str:
        return self.planted.setdefault(where, f"canary{secrets.token_hex(16)}")

    def found_in(self, text: str) -> list[str]:
        """Where those that are in this text were planted; half of one is found too."""
        return [where for where, secret in self.planted.items() if secret[:20] in text or secret[-20:] in text]


def settings(canaries: Canaries) -> dict[str, str]:
    """Secrets in settings, of storages and services that are not used or not there among them."""
    login, query = canaries.plant("redis password"), canaries.plant("redis query")
    return {
        "AUTH__SECRET": canaries.plant("signing secret") * 2,
        "RATE_LIMIT__REDIS": f"redis://user:{login}@127.0.0.1:1/0?password={query}",
        "RATE_LIMIT__PER_SECOND": "1000",
        "RATE_LIMIT__BURST": "1000",
        "POSTGRES__PRIMARY__DSN": f"postgresql://user:{canaries.plant('postgres password')}@127.0.0.1:1/db",
        "POSTGRES__REPLICA__DSN": f"postgresql://user:{canaries.plant('replica password')}@127.0.0.1:1/db",
        "CORS__ORIGINS": "https://app.example.org",
    }


HEADERS = (
    "Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "X-Auth-Token", "User-Agent", "Referer", "Origin",
    "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Timeout", "Accept", "Forwarded", "X-Forwarded-For",
    "Range", "Expect", "traceparent", "tracestate", "baggage",
)  # fmt: skip
TRACED = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
BASIC = ("Bearer {}", "Basic {}", "Bearer {0}.{0}.{0}", "Digest {}", "{}")
BODIES = (
    "{", '{"title": {"password": "%s"}}', '{"title": 1, "content": {"token": "%s"}}', '{"title": "%s', "%s",
    '{"title": "a", "content": ["%s"]}',
    '{"title": "a", "additional_data": "%s"}', '{"features": [{"feature_name": ["%s"]}]}',
    '["%s"]', '"%s"', '{"content": {"%s": NaN}}',
)  # fmt: skip
PATHS = (
    "/api/v1/posts/1?token={}", "/api/v1/posts?limit={}", "/api/v1/posts?sort={}", "/api/v1/posts?cursor={}",
    "/health/live?password={}", "/swagger.json?key={}", "/docs/init.js?secret={}", "/metrics?token={}",
    "/nowhere?password={}", "/api/v1/posts?offset=-1&token={}",
)  # fmt: skip


def send(running: Service, path: str, headers: dict[str, str], body: bytes | None = None) -> str:
    """One request; the head and the body of its answer."""
    request = urllib.request.Request(running.url + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return f"{answer.headers}{answer.read().decode()}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.headers}{error.read().decode()}"


def raw(running: Service, data: str) -> str:
    """What is answered to bytes that are no HTTP."""
    port = int(running.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(data.encode())
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received.decode()


def answers(running: Service, canaries: Canaries) -> Iterator[tuple[str, str]]:
    """What was answered to a secret in each place, by the place."""
    bearer = {"Authorization": f"Bearer {token_of(running)}", "Content-Type": "application/json"}
    for name in HEADERS:
        yield name, send(running, "/api/v1/posts", {name: canaries.plant(f"header {name}")})
    vendor = canaries.plant("vendor in a trace")
    yield "tracestate", send(running, "/api/v1/posts", TRACED | {"tracestate": vendor})
    for form in BASIC:
        yield (
            form,
            send(running, "/api/v1/posts", {"Authorization": form.format(canaries.plant(f"login {form}"))}, b"{}"),
        )
    for body in BODIES:
        text = body.replace("%s", canaries.plant(f"body {body}"))
        yield body, send(running, "/api/v1/posts", bearer, text.encode())
    for path in PATHS:
        yield path, send(running, path.format(quote(canaries.plant(f"path {path}"))), {})
    for start in (
        "GET / HTTP/9.9\r\nAuthorization: {}\r\n\r\n",
        "{} / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nA B: {}\r\n\r\n",
    ):
        yield start, raw(running, start.format(canaries.plant(f"raw {start}")))


@pytest.fixture
def spans() -> Iterator[Collector]:
    with collector() as found:
        yield found


def test_no_secret_comes_out_anywhere(tmp_path: Path, spans: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    canaries = Canaries()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"api-key={canaries.plant('login at the collector')}")
    with service(
        tmp_path, LOG__LEVEL="DEBUG", **settings(canaries), TRACING__ENABLED="true", TRACING__ENDPOINT=spans.url
    ) as running:
        for place, answer in answers(running, canaries):
            assert (place, canaries.found_in(answer)) == (place, [])
        for path in ("/metrics", "/swagger.json", "/docs", "/health/ready"):
            assert (path, canaries.found_in(send(running, path, {}))) == (path, [])
        with closing(sqlite3.connect(tmp_path / "app.db")) as database:
            database.executescript("ALTER TABLE posts RENAME COLUMN content TO other")
        bearer = {"Authorization": f"Bearer {token_of(running)}", "Content-Type": "application/json"}
        for name in ("title", "content"):
            text = json.dumps({"title": "a", "content": "b", name: canaries.plant(f"a write that fails, {name}")})
            answer = send(running, "/api/v1/posts", bearer, text.encode())
            assert "INTERNAL_SERVER_ERROR" in answer
            assert canaries.found_in(answer) == []
        shown = command("config", environment=running.environment)
        assert canaries.found_in(shown.stdout + shown.stderr) == []
        running.process.terminate()
        running.process.wait(15)
        output = running.output.read_text()
        assert "no column named content" in output
        assert canaries.found_in(output) == []
    assert {"GET /api/v1/posts", "INSERT posts"} <= {span.name for _, span in spans.spans()}
    assert canaries.found_in(b"".join(spans.bodies).decode("latin-1")) == []
    assert len(canaries.planted) >= 50


REFUSED = {
    "RATE_LIMIT__REDIS": "http://user:{}@127.0.0.1/0",
    "RATE_LIMIT__PER_SECOND": "{}",
    "POSTGRES__PRIMARY__DSN": "{}",
    "POSTGRES__PRIMARY__MAX_SIZE": "{}",
    "HTTP__PORT": "{}",
    "CORS__ORIGINS": "https://user:{}@example.org",
    "NO_SUCH_THING": "{}",
    "AUTH__JWKS_URL": "https://user:{}@example.org/keys",
    "LOG__LEVEL": "{}",
}


def test_settings_that_are_refused_are_not_repeated(tmp_path: Path) -> None:
    canaries = Canaries()
    wrong = {name: value.format(canaries.plant(name)) for name, value in REFUSED.items()}
    result = command("config", environment=environment_in(tmp_path, **wrong))
    assert result.returncode == 1
    assert [name for name in REFUSED if f"APP_{name}" not in result.stderr] == []
    assert canaries.found_in(result.stdout + result.stderr) == []
    assert "Traceback" not in result.stderr
