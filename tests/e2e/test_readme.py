"""Every command and every piece of code that README.md shows is run, and what it shows of answers is what comes."""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web
from dependency_injector import providers

from app.adapters.config.loading import load_settings
from app.adapters.memory.store import MemoryStore
from app.container import Container
from app.domain.services.posts import PostService
from app.entrypoints.api import posts as api
from app.entrypoints.app import create_app
from app.entrypoints.http.routing import OPERATIONS, setup_routes
from tests.builders import FixedClock
from tests.processes import ROOT, environment_in, free_port, wait_until_ready
from tests.processes import Service as Running
from tests.strictness import skip_or_fail

pytestmark = pytest.mark.xdist_group("readme")  # so that its service is started once

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
SHELL = [block for language, block in BLOCKS if language == "sh"]
PYTHON = [block for language, block in BLOCKS if language == "python"]
ANSWERS = [block for _, block in BLOCKS if block.startswith("HTTP/1.1")]

RUN_BY_CI = {"check", "test"}
RUN_HERE = {
    "bench": "bench ARGS='--rounds 1 --seconds 0.1 --connections 2'",
    "config": "config",
    "fuzz": "--dry-run fuzz",  # its tests are run, with fewer cases, among all others
    "migrate": "migrate",
    "openapi": "openapi",
    "routes": "routes",
    "serve": "--dry-run serve WORKERS=2",  # what it runs is started by test_serving.py
    "soak": "--dry-run soak",  # test_restarts.py is its short form
    "token": "token",
    "upstream": "--dry-run upstream",
}


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


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    """`PORT=… make run`, as the README has it, until Ctrl-C."""
    port, output = free_port(), folder / "output.log"
    assert "`PORT=9000 make run`" in README
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["make", "run"], cwd=ROOT, env={**environment(folder), "PORT": str(port)},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    started = Running(f"http://127.0.0.1:{port}", process, {}, output)
    try:
        wait_until_ready(started, 60)
        yield started
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(15) in (0, -signal.SIGINT)
        assert not re.search(r"Traceback|\*\*\*", output.read_text())
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def curl() -> None:
    if shutil.which("curl") is None:
        skip_or_fail("curl", "install curl")


def test_every_target_that_is_named_is_run_somewhere() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)", README))
    assert named - RUN_BY_CI - set(RUN_HERE) == {"run"}
    assert set(re.findall(r"^make ([a-z]+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)) == RUN_BY_CI


@pytest.mark.parametrize("target", sorted(RUN_HERE))
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
    assert [
        line
        for line in starts
        if not re.fullmatch(r"make (run|test|upstream|serve WORKERS=2)|kill -HUP .*|curl .*", line)
    ] == []


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
    printed = running.output.read_text()
    pasted = re.search(r"^curl .*?\n\n", printed, re.DOTALL | re.MULTILINE)
    assert pasted is not None, printed
    assert json.loads(shell(pasted[0], folder))["result"]["title"] == "My first post"
    assert "Documentation" in printed


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
    settings_of(tmp_path, monkeypatch)
    names: dict[str, Any] = {
        each.__name__: each for each in (MemoryStore, PostService, FixedClock, Container, create_app, load_settings)
    }
    names["providers"] = providers
    for block in PYTHON:
        if "@definition" not in block:
            exec(block, names)
    assert names["container"].post_service() is names["posts"]
    assert isinstance(names["app"], web.Application)


def settings_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The settings of an environment that has its data in `folder`."""
    for name, value in environment_in(folder).items():
        if name.startswith("APP_"):
            monkeypatch.setenv(name, value)
    return load_settings().settings
