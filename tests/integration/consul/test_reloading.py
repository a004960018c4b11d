"""Settings that change in a real Consul while the service runs."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import attrs
import pytest

from app.adapters.config.loading import Loaded, load_settings
from app.adapters.config.settings import Settings
from app.adapters.config.sources import EnvironmentSource
from app.adapters.sqlite.migrations import SqliteMigrations
from app.container import Container
from tests.e2e.service import SECRET, Client, a_token, running
from tests.integration.consul.agents import Agent, Proxy, proxy, until


@attrs.frozen
class Running:
    """A service that follows an agent's settings."""

    client: Client
    container: Container
    agent: Agent

    @property
    def settings(self) -> Settings:
        return self.container.live().current

    async def put(self, key: str, value: str | bytes) -> None:
        await asyncio.to_thread(self.agent.put, f"app/{key}", value)

    async def metric(self, name: str) -> str:
        text = (await self.client.get("/metrics")).body.decode()
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return line.removeprefix(f"{name} ")


@contextmanager
def root_level() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


@asynccontextmanager
async def following(agent: Agent, folder: Path, address: str = "", **environment: object) -> AsyncIterator[Running]:
    given = {"DATA_DIR": folder, "AUTH__SECRET": SECRET, "CONSUL__ADDRESS": address or agent.url, **environment}
    environ = {f"APP_{name}": str(value) for name, value in given.items()}
    # As the command does it: before there is a loop.
    loaded: Loaded = await asyncio.to_thread(load_settings, [EnvironmentSource(environ)])
    SqliteMigrations(loaded.settings.sqlite).apply()
    container = Container(settings=loaded.settings, loaded=loaded)
    with root_level():
        async with running(container) as client:
            client.token = a_token("posts:write")
            yield Running(client, container, agent)


@pytest.fixture
async def service(agent: Agent, tmp_path: Path) -> AsyncIterator[Running]:
    agent.fill({"name": "there"})
    async with following(agent, tmp_path) as running_service:
        yield running_service


async def test_a_reloadable_setting_changes_while_the_service_runs(service: Running) -> None:
    loop = asyncio.get_running_loop()
    post = {"title": "A title", "content": "c" * 200}
    assert (await service.client.post("/api/v1/posts", post)).status == 201
    started = loop.time()
    await service.put("http/body_limit", "100")
    await until(lambda: service.settings.http.body_limit == 100)
    print(f"changed after {loop.time() - started:.3f} s")
    assert (await service.client.post("/api/v1/posts", post | {"title": "Other"})).status == 413
    await service.put("http/body_limit", "1000")
    await until(lambda: service.settings.http.body_limit == 1000)
    assert (await service.client.post("/api/v1/posts", post | {"title": "Other"})).status == 201


async def test_the_log_level_changes_while_the_service_runs(service: Running) -> None:
    await service.put("log/level", "DEBUG")
    await until(lambda: logging.getLogger().level == logging.DEBUG)


async def test_a_request_timeout_holds_from_the_next_request_on(service: Running) -> None:
    await service.put("http/request_timeout", "0.2")
    await until(lambda: service.settings.http.request_timeout == 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", service.client.port)
    writer.write(
        f"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {service.client.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
    )
    # Its body had no more time than the request.
    assert (await asyncio.wait_for(reader.read(65536), 5)).startswith((b"HTTP/1.1 408", b"HTTP/1.1 504"))
    writer.close()


async def test_a_setting_that_goes_away_falls_back(service: Running) -> None:
    await service.put("http/body_limit", "100")
    await until(lambda: service.settings.http.body_limit == 100)
    await asyncio.to_thread(service.agent.call, "DELETE", "kv/app/http/body_limit")
    await until(lambda: service.settings.http.body_limit == 2**20)


async def test_what_is_not_reloadable_is_told_and_stays(service: Running, caplog: pytest.LogCaptureFixture) -> None:
    before = service.settings
    await service.put("http/port", "9999")
    watch = service.container.consul().watch
    assert watch is not None
    await until(lambda: watch.waiting)
    assert service.settings is before
    assert "needs a restart: APP_HTTP__PORT" in caplog.text
    assert await service.metric("config_waiting") == "1.0"
    await asyncio.to_thread(service.agent.call, "DELETE", "kv/app/http/port")
    await until(lambda: not watch.waiting)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("http/request_timeout", "soon"),
        ("http/request_timeout", "-1"),
        ("http/prot", "1"),
        ("name", b"\xff"),
        ("consul/token", "canary"),
        ("auth/jwks_url", "https://issuer.example"),
    ],
)
async def test_a_bad_value_is_refused_with_all_that_came_with_it(
    service: Running, caplog: pytest.LogCaptureFixture, key: str, value: str | bytes
) -> None:
    before = service.settings
    kept = service.settings.data_dir / "consul-last-good.json"
    content = kept.read_bytes()
    watch = service.container.consul().watch
    assert watch is not None
    await service.put("http/body_limit", "100")
    await until(lambda: service.settings.http.body_limit == 100)
    await until(lambda: kept.read_bytes() != content)
    content = kept.read_bytes()
    before = service.settings
    await service.put(key, value)
    await until(lambda: watch.refused)
    await service.put("http/body_limit", "200")
    await asyncio.sleep(1.5)
    assert service.settings is before
    assert kept.read_bytes() == content
    assert await service.metric("config_refused") == "1.0"
    assert "refused as a whole" in caplog.text
    assert (f"app/{key} (Consul {service.agent.url})" in caplog.text) or "APP_AUTH__SECRET" in caplog.text
    assert "canary" not in caplog.text
    await asyncio.to_thread(service.agent.call, "DELETE", f"kv/app/{key}")
    await until(lambda: service.settings.http.body_limit == 200)
    assert await service.metric("config_refused") == "0.0"


async def test_the_environment_hides_changes_in_consul(agent: Agent, tmp_path: Path) -> None:
    agent.fill({"http/body_limit": "300"})
    async with following(agent, tmp_path, HTTP__BODY_LIMIT=200) as service:
        await service.put("http/body_limit", "100")
        await service.put("log/level", "ERROR")
        await until(lambda: service.settings.log.level == "ERROR")
        assert service.settings.http.body_limit == 200


async def test_a_service_that_started_without_consul_takes_over_what_it_holds(agent: Agent, tmp_path: Path) -> None:
    with proxy(agent.url) as before:
        before.fault = lambda handler: handler.reset()
        async with following(agent, tmp_path, address=before.url) as service:
            assert await service.metric("config_stale") == "1.0"
            await service.put("http/body_limit", "100")
            before.fault = None
            await until(lambda: service.settings.http.body_limit == 100)
            assert await service.metric("config_stale") == "0.0"


async def test_a_prefix_that_became_empty_changes_nothing(service: Running, caplog: pytest.LogCaptureFixture) -> None:
    await service.put("http/body_limit", "100")
    await until(lambda: service.settings.http.body_limit == 100)
    watch = service.container.consul().watch
    assert watch is not None
    await asyncio.to_thread(service.agent.clear)
    await until(lambda: watch.stale)
    assert service.settings.http.body_limit == 100
    assert "holds nothing below the prefix" in caplog.text


async def test_subscribers_see_one_whole_set(service: Running) -> None:
    seen: list[tuple[int, float]] = []
    service.container.live().subscribe(lambda now: seen.append((now.http.body_limit, now.http.request_timeout)))
    operations = [
        {"KV": {"Verb": "set", "Key": "app/http/body_limit", "Value": "MTAw"}},
        {"KV": {"Verb": "set", "Key": "app/http/request_timeout", "Value": "OQ=="}},
    ]
    await asyncio.to_thread(service.agent.call, "PUT", "txn", json.dumps(operations).encode())
    await until(lambda: seen)
    await asyncio.sleep(0.2)
    assert seen == [(100, 9.0)]


@pytest.fixture
def between(agent: Agent) -> Iterator[Proxy]:
    with proxy(agent.url) as before:
        yield before


async def test_an_agent_that_answers_at_once_is_asked_once_a_second(
    agent: Agent, between: Proxy, tmp_path: Path
) -> None:
    agent.fill({"name": "there"})
    async with following(agent, tmp_path, address=between.url):
        between.fault = lambda handler: handler.answer(200, b"[]", "7")
        await asyncio.to_thread(agent.put, "app/name", "wakes the question that waits")
        await asyncio.sleep(1.1)
        between.asked.clear()
        await asyncio.sleep(4)
        assert 1 <= len(between.asked) <= 5
