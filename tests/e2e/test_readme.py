"""Every command and every piece of code that README.md shows is run, and what it shows of answers is what comes."""

import json
import os
import re
import shutil
import signal
import subprocess
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web
from dependency_injector import providers

from app.adapters.app_pages.answers import AppData
from app.adapters.config.loading import load_settings
from app.adapters.config.settings import Settings
from app.adapters.config.sources import EnvironmentSource
from app.adapters.http.call import Call
from app.adapters.memory.store import MemoryStore
from app.container import Container, use_memory
from app.domain.services.posts import PostService
from app.entrypoints.api import posts as api
from app.entrypoints.app import create_app
from app.entrypoints.http.routing import OPERATIONS, setup_routes
from tests.builders import FixedClock
from tests.postgres_databases import new_database
from tests.processes import ROOT, environment_in, free_port, printed, wait_until_ready
from tests.processes import Service as Running
from tests.servers.kinds import Server
from tests.servers.process import family
from tests.strictness import skip_or_fail

pytestmark = pytest.mark.xdist_group("readme")  # so that its service is started once

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
SHELL = [block for language, block in BLOCKS if language == "sh"]
PYTHON = [block for language, block in BLOCKS if language == "python"]
ANSWERS = [block for _, block in BLOCKS if block.startswith("HTTP/1.1")]

RUN_BY_CI = {"check", "long", "test"}
RUN_HERE = {
    "bench": "bench ARGS='--only kit --rounds 1 --seconds 0.1 --connections 2'",
    "config": "config",
    "fuzz": "--dry-run fuzz",  # its tests are run, with fewer cases, among all others
    "migrate": "migrate",
    "openapi": "openapi",
    "routes": "routes",
    "soak": "--dry-run soak",  # tests/soak/test_soak.py does the same for less long
    "lock": "--dry-run lock",  # it needs a registry
    "faults": "--dry-run faults",  # tests/faults has the short form
    "token": "token",
}
RUN_IN_A_COPY = {"drop", "rename"}
"""They change the project: tests/architecture/test_dropping.py runs them."""
RUN_ON = {"dev", "run", "serve", "upstream"}
"""Those that go on until they are stopped, each in a test of its own."""


KNOWN_LINES = (
    r"make (run|test|long|upstream)",
    r"curl .*\\",
    r"curl http://127\.0\.0\.1:8000/api/v1/store-pages/featured-posts/android",
    r"make serve WORKERS=2",
    r"kill -HUP <pid of the parent>",
    r"export APP_STORAGE=postgres APP_POSTGRES__PRIMARY__DSN=\S+",
    r"make migrate run",
    r"make rename NAME=order-service",
    r"make drop STORAGE=<name>",
)
"""The command lines that a test here knows how to run."""


def environment(folder: Path) -> dict[str, str]:
    """What a newcomer's shell has; nothing of the `make` that may run these tests."""
    return {name: value for name, value in environment_in(folder).items() if "MAKE" not in name and name != "ARGS"}


def shell(command: str, folder: Path) -> str:
    """What the command prints, run in the service's own folder with its data in `folder`; it must succeed."""
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT, env=environment(folder), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


@attrs.frozen
class Example:
    """An answer: its status line, the names of its headers, its body."""

    status: str
    headers: set[str]
    body: Any

    @classmethod
    def read(cls, text: str) -> "Example":
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        status, *headers = head.splitlines()
        return cls(status, {header.partition(":")[0].lower() for header in headers}, json.loads(body.replace("\n", "")))


def shape(value: Any) -> Any:
    """The names and the types in a JSON value."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value).__name__


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


@contextmanager
def kept_running(command: str, folder: Path, **variables: str) -> Iterator[Running]:
    """A command that goes on until Ctrl-C, on a port of its own, as soon as it is ready."""
    port, output = free_port(), folder / "output.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=ROOT, env={**environment(folder), "PORT": str(port), **variables},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    started = Running(f"http://127.0.0.1:{port}", process, {}, output)
    try:
        wait_until_ready(started, 60)
        yield started
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) in (0, 130, -signal.SIGINT)
        assert not re.search(r"Traceback|\*\*\*", output.read_text())
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    """`PORT=… make run`, as the README has it, until Ctrl-C."""
    assert "`PORT=9000 make run`" in README
    with kept_running("make run", folder) as started:
        yield started


@pytest.fixture
def curl() -> None:
    if shutil.which("curl") is None:
        skip_or_fail("curl", "install curl")


def test_every_target_that_is_named_is_run_somewhere() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)", README))
    assert named - RUN_BY_CI - set(RUN_HERE) - RUN_IN_A_COPY == RUN_ON
    assert set(re.findall(r"^make ([a-z]+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)) == RUN_BY_CI


LONG = {"bench"}
"""It makes an environment of its own for the peers."""


@pytest.mark.parametrize(
    "target", [pytest.param(each, marks=[pytest.mark.long] if each in LONG else []) for each in sorted(RUN_HERE)]
)
def test_a_target_that_is_named_works(target: str, tmp_path: Path) -> None:
    assert shell(f"make {RUN_HERE[target]}", tmp_path).strip()


def test_make_alone_tells_what_there_is(tmp_path: Path) -> None:
    told = re.findall(r"^  make ([a-z]+) +\S", shell("make", tmp_path), re.MULTILINE)
    wanted = {"run", "test", "check", "fmt", "lint", "types", "migrate", "openapi", "routes", "token", "clean"}
    assert wanted | set(RUN_HERE) - set(told) == wanted
    assert wanted <= set(told)


def test_every_command_line_is_known_here() -> None:
    lines = [line.partition("#")[0].strip() for block in SHELL for line in block.splitlines()]
    starts = [line for line in lines if not line.startswith("-")]
    assert [line for line in starts if not re.fullmatch("|".join(KNOWN_LINES), line)] == []


def test_the_request_that_is_shown_gets_the_answer_that_is_shown(running: Running, folder: Path, curl: None) -> None:
    (request,) = [block for block in SHELL if block.startswith("curl")]
    here = request.replace("http://127.0.0.1:8000", running.url)
    assert here != request
    answer, shown = Example.read(shell(here, folder)), Example.read(ANSWERS[0])
    assert answer.status == shown.status
    assert shown.headers <= answer.headers
    assert shape(answer.body) == shape(shown.body)
    assert answer.body["result"]["id"] == shown.body["result"]["id"]


def test_the_refusal_that_is_shown_is_the_one_that_comes(running: Running, folder: Path, curl: None) -> None:
    shown = Example.read(ANSWERS[1])
    wrong = json.dumps({"title": "", "content": "", "titel": "x"})
    answer = Example.read(
        shell(
            f"curl -i {running.url}/api/v1/posts -H 'Content-Type: application/json' "
            f"""-H "Authorization: Bearer $(make token)" -d '{wrong}'""",
            folder,
        )
    )
    assert answer.status == shown.status
    assert {**answer.body, "meta": None} == {**shown.body, "meta": None}


def test_what_run_prints_can_be_pasted_into_a_shell(running: Running, folder: Path, curl: None) -> None:
    welcome = printed(running, "likes")
    pasted = re.search(r"^curl .*?\n\n", welcome, re.DOTALL | re.MULTILINE)
    assert pasted is not None, welcome
    assert "Documentation" in welcome
    titles = set()
    for _ in range(2):
        titles.add(json.loads(shell(pasted[0], folder))["result"]["title"])
        time.sleep(1.1)  # its titles tell the time in seconds
    assert len(titles) == 2


def test_the_stand_in_answers_where_the_service_looks_for_it(running: Running, folder: Path, curl: None) -> None:
    (line,) = re.findall(r"^curl .*store-pages.*$", README, re.MULTILINE)
    stand_in = subprocess.Popen(["make", "upstream"], cwd=ROOT, env=environment(folder), start_new_session=True)
    try:
        answer = {}
        for _ in range(60):
            answer = json.loads(shell(line.replace("curl http://127.0.0.1:8000", f"curl -s {running.url}"), folder))
            if answer["success"]:
                break
            time.sleep(0.25)
        assert answer["result"]["stale"] is False
    finally:
        os.killpg(stand_in.pid, signal.SIGTERM)
        stand_in.wait(15)


def test_a_change_of_the_code_starts_the_service_again(tmp_path: Path) -> None:
    with kept_running("exec make dev", tmp_path) as started:
        printed(started, "Documentation")
        os.utime(ROOT / "src/app/__init__.py")
        end = time.monotonic() + 30
        while started.output.read_text().count("Documentation") < 2 and time.monotonic() < end:
            time.sleep(0.1)
        assert started.output.read_text().count("Documentation") == 2
        wait_until_ready(started)


def test_workers_are_replaced_by_the_signal_that_is_named(tmp_path: Path) -> None:
    with kept_running("exec make serve WORKERS=2", tmp_path) as started:
        parent = next(pid for pid in family(started.process.pid) if b"serve" in arguments_of(pid))
        before = set(family(parent))
        os.kill(parent, signal.SIGHUP)
        end = time.monotonic() + 30
        while before & set(family(parent)) and time.monotonic() < end:
            time.sleep(0.1)
        assert not before & set(family(parent))
        wait_until_ready(started)


def test_one_variable_moves_the_service_to_postgresql(postgres_server: Server, tmp_path: Path) -> None:
    (setting,) = re.findall(r"^export APP_STORAGE=postgres .*$", README, re.MULTILINE)
    with new_database(postgres_server.dsn) as dsn:
        here = re.sub(r"postgresql://\S+", dsn, setting)
        for command, posts in (("make migrate run", 0), ("make run ARGS=--prepare", 3)):
            assert command in README
            with kept_running(f"{here} && {command}", tmp_path) as started:
                assert "postgresql://" in printed(started, "Data ")
                page = json.loads(shell(f"curl -s {started.url}/api/v1/posts", tmp_path))
                assert page["pagination"]["total"] == posts


async def test_the_call_that_is_shown_is_one() -> None:
    (block,) = [block for block in PYTHON if "http.send" in block]
    sent: list[Any] = []

    class Http:
        async def send(self, call: Any) -> None:
            sent.append(call)

    names: dict[str, Any] = {"Call": Call, "AppData": AppData, "http": Http(), "store": "ios", "app_id": "1"}
    exec(f"async def shown():\n{textwrap.indent(block, '    ')}", names)
    await names["shown"]()
    assert sent == [Call("app_data", AppData, ("v1", "ios", "apps", "1"))]


def test_the_handler_that_is_shown_can_be_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = [block for block in PYTHON if "@definition" in block]
    names = dict(vars(api))
    exec(block, names)
    store = MemoryStore()
    app = web.Application()
    handlers = names["PostHandlers"](PostService(store.posts, store.transactions, FixedClock()))
    setup_routes(app, Container(settings=settings_of(tmp_path, monkeypatch)).kit(), [handlers])
    assert [operation.operation_id for operation in app[OPERATIONS]] == ["publish_post"]


def test_the_swaps_that_are_shown_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_NAME", "a developer's own")
    shown = (MemoryStore, PostService, FixedClock, Container, create_app, load_settings, EnvironmentSource, use_memory)
    names: dict[str, Any] = {each.__name__: each for each in shown} | {"providers": providers, "tmp_path": tmp_path}
    for block in PYTHON:
        if "@definition" not in block and "await" not in block:
            exec(block, names)
    assert names["container"].posts() is names["store"].posts
    assert isinstance(names["app"], web.Application)
    settings = names["container"].settings()
    assert settings.name == Settings().name
    assert {settings.data_dir, settings.sqlite.path.parent} == {tmp_path}


def arguments_of(pid: int) -> list[bytes]:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def settings_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The settings of an environment that has its data in `folder`."""
    for name, value in environment_in(folder).items():
        if name.startswith("APP_"):
            monkeypatch.setenv(name, value)
    return load_settings().settings
