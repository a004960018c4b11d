import importlib
import logging
import socket
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.logging import LogCaptureHandler
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

pytest_plugins = [
    "tests.servers.fixtures",
    "tests.postgres_databases",
    "tests.mysql_databases",
    "tests.mongo_databases",
]


def pytest_configure(config: pytest.Config) -> None:
    """Import now what schemathesis' plugin imports when the session ends.

    Parsed only then, after minutes of asyncio and threads, CPython 3.11 sometimes fails over it: "AST constructor
    recursion depth mismatch" (https://github.com/python/cpython/issues/106905).
    """
    if config.pluginmanager.hasplugin("schemathesis"):
        importlib.import_module("schemathesis.reporting.html.writer")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escape lone surrogates in what a test printed: test processes send their reports to each other in UTF-8."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Keep pytest's own log handlers away from tests of ours: they fail on records that ours must cope with."""
    if item.get_closest_marker("own_logging"):
        root = logging.getLogger()
        root.handlers[:] = [handler for handler in root.handlers if not isinstance(handler, LogCaptureHandler)]
    return (yield)


HERE = Path(__file__).parent
LONG = (
    "faults",
    "integration",
    "e2e/test_fuzz.py",
    "e2e/test_malformed.py",
    "e2e/test_restarts.py",
    "e2e/test_serving.py",
    "soak/test_soak.py",
)
"""What below this folder belongs to `make long`: it needs servers, many processes, or many requests."""


def is_long(path: Path) -> bool:
    """Whether everything in this file or folder is long."""
    return path.is_relative_to(HERE) and path.relative_to(HERE).as_posix().startswith(LONG)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Don't even import what `make test` leaves out: that takes longer than many tests."""
    return True if config.option.markexpr == "not long" and is_long(collection_path) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if is_long(item.path):
            item.add_marker(pytest.mark.long)


@pytest.fixture
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections to anywhere else: a guard that fails must not let a test out."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            raise AssertionError(f"A test connects to {address[0]}.")
        connect(self, address)  # type: ignore[arg-type]  # whatever it was called with

    monkeypatch.setattr(socket.socket, "connect", connect_here)
