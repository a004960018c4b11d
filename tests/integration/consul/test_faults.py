"""Whatever Consul does, the service serves: every request is answered, and Consul is asked at most once a second."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import pytest

from tests.commands import token_of
from tests.integration.consul.agents import Agent, Fault, Handler, Proxy, eventually, proxy
from tests.processes import Service, service
from tests.servers.kinds import Server
from tests.servers.process import ServerProcess

SECONDS = 3.0
"""How long a fault lasts."""


@attrs.define
class Load:
    """Requests to the service, one after the other, reading and writing, that nobody repeats."""

    running: Service
    token: str
    name: str = attrs.field(factory=lambda: uuid.uuid4().hex)
    answered: int = 0
    failed: list[str] = attrs.field(factory=list)

    def once(self, number: int) -> None:
        data = json.dumps({"title": f"{self.name} {number}", "content": ""}).encode() if number % 4 == 0 else None
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            urllib.request.urlopen(
                urllib.request.Request(f"{self.running.url}/api/v1/posts", data, headers), timeout=10
            ).close()
        except urllib.error.HTTPError as error:
            with error:
                self.failed.append(f"{error.code} {error.read()!r}")
        except OSError as error:
            self.failed.append(repr(error))
        else:
            self.answered += 1


@contextmanager
def under_load(running: Service, token: str) -> Iterator[Load]:
    load, over = Load(running, token), threading.Event()

    def send() -> None:
        number = 0
        while not over.is_set():
            load.once(number)
            number += 1
            over.wait(0.01)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield load
    finally:
        over.set()
        thread.join()


@attrs.frozen
class Stage:
    """A service with its settings, its registration, and one service that it follows, all through a proxy."""

    running: Service
    token: str
    agent: Agent
    process: ServerProcess
    before: Proxy

    def is_followed(self) -> None:
        """A change in Consul comes through."""
        limit = self.body_limit() + 1
        self.agent.fill({"name": "there", "http/body_limit": str(limit)})
        eventually(lambda: self.body_limit() == limit)

    def body_limit(self) -> int:
        try:
            urllib.request.urlopen(
                urllib.request.Request(
                    f"{self.running.url}/api/v1/posts",
                    b" " * 5000,
                    {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
                )
            ).close()
        except urllib.error.HTTPError as error:
            with error:
                return int(json.load(error)["message"].removeprefix("Send at most ").split()[0])
        raise AssertionError("A body over the limit was taken.")

    def is_registered(self) -> bool:
        name = f"under-faults-127.0.0.1-{self.running.url.rpartition(':')[2]}"
        return name in self.agent.passing("under-faults")


@pytest.fixture(scope="module")
def stage(own_agent: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    assert own_agent.process is not None
    agent = Agent(own_agent.dsn)
    agent.fill({"name": "there", "http/body_limit": "1000"})
    folder = tmp_path_factory.mktemp("faults")
    settings = {"CONSUL__REGISTER": True, "CONSUL__SERVICE": "under-faults", "CONSUL__TTL": 3, "CONSUL__TIMEOUT": 1}
    with proxy(agent.url) as before, service(folder, CONSUL__ADDRESS=before.url, **settings) as running:
        yield Stage(running, token_of(running), agent, own_agent.process, before)


FAULTS: dict[str, Fault] = {
    "500": lambda handler: handler.answer(500, b"No cluster leader", None),
    "html": lambda handler: handler.answer(200, b"<html>Sign in</html>", kind="text/html"),
    "no UTF-8": lambda handler: handler.answer(200, b"\xff\xfe[]"),
    "another type": lambda handler: handler.answer(200, b'{"Key": 1}'),
    "broken connections": Handler.reset,
    "silence": lambda handler: time.sleep(30),
}


def harmless(stage: Stage, begin: Callable[[], object], end: Callable[[], object]) -> None:
    """Between these nothing happens to requests; and afterwards Consul is followed again."""
    with under_load(stage.running, stage.token) as load:
        begin()
        stage.before.asked.clear()
        started = time.monotonic()
        time.sleep(SECONDS)
        asked, lasted = list(stage.before.asked), time.monotonic() - started
        end()
        stage.is_followed()
        eventually(stage.is_registered)
    assert load.failed == []
    assert load.answered > 20
    assert len(asked) <= lasted + 1
    print(f"{load.answered} answered, {len(asked)} requests to Consul in {lasted:.1f} s")


@pytest.mark.parametrize("name", FAULTS)
def test_an_agent_that_answers_badly_harms_nobody(stage: Stage, name: str) -> None:
    def begin() -> None:
        stage.before.fault = FAULTS[name]
        stage.agent.put("app/name", f"wakes the question that waits: {name}")

    def end() -> None:
        stage.before.fault = None

    harmless(stage, begin, end)


def test_an_agent_that_flaps_harms_nobody(stage: Stage) -> None:
    def flap(handler: Handler) -> None:
        if len(stage.before.asked) % 2:
            handler.answer(500, b"", None)
        else:
            handler.forward()

    def begin() -> None:
        stage.before.fault = flap
        stage.agent.put("app/name", "wakes the question that waits: flapping")

    def end() -> None:
        stage.before.fault = None

    harmless(stage, begin, end)


def test_an_index_that_is_reset_harms_nobody(stage: Stage) -> None:
    def begin() -> None:
        stage.before.reset_index = True
        stage.agent.put("app/name", "wakes the question that waits: reset")

    def end() -> None:
        stage.before.reset_index = False

    harmless(stage, begin, end)


def test_an_agent_that_freezes_harms_nobody(stage: Stage) -> None:
    harmless(stage, stage.process.freeze, stage.process.thaw)


def test_an_agent_that_dies_and_comes_back_with_nothing_harms_nobody(stage: Stage) -> None:
    harmless(stage, stage.process.kill, stage.process.start)


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", b"\xff"), ("http/body_limit", "much"), ("http/prot", "1"), ("consul/address", "http://elsewhere")],
)
def test_a_value_that_cannot_be_used_harms_nobody(stage: Stage, key: str, value: str | bytes) -> None:
    stage.is_followed()
    before = stage.body_limit()
    with under_load(stage.running, stage.token) as load:
        stage.agent.put(f"app/{key}", value)
        eventually(lambda: f"app/{key} (" in stage.running.output.read_text())
        assert stage.body_limit() == before
        stage.agent.call("DELETE", f"kv/app/{key}")
        stage.is_followed()
    assert load.failed == []
