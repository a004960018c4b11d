import asyncio
import io
import json
import logging
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any, NoReturn

import attrs
import pytest
import structlog

from app.adapters.config.secret import Secret
from app.context import RequestContext, current_request
from app.entrypoints.logs import configure_logs, set_level

pytestmark = pytest.mark.own_logging

log = logging.getLogger("some.library")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    logging.captureWarnings(capture=False)
    root.level, root.handlers[:] = before
    structlog.reset_defaults()


class Logged(io.StringIO):
    """What was written, as the lines that a reader of JSON lines sees."""

    def lines(self) -> list[dict[str, Any]]:
        text = self.getvalue()
        assert text.endswith("\n") or not text
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def line(self) -> dict[str, Any]:
        (line,) = self.lines()
        return line


@pytest.fixture
def logged() -> Logged:
    stream = Logged()
    configure_logs("INFO", as_json=True, stream=stream)
    return stream


def test_a_record_of_any_library_is_one_line_of_json(logged: Logged) -> None:
    log.warning("went %s", "wrong", extra={"attempt": 2})
    line = logged.line()
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {"level": "warning", "logger": "some.library", "event": "went wrong", "attempt": 2}


def test_structlog_takes_the_same_way(logged: Logged) -> None:
    structlog.get_logger("ours").info("100 % done", name="x", args=1, exc=None)
    line = logged.line()
    assert (line["level"], line["logger"], line["event"], line["name"], line["args"]) == (
        "info",
        "ours",
        "100 % done",
        "x",
        1,
    )


def test_the_id_of_the_request_is_on_every_line_of_it(logged: Logged) -> None:
    token = current_request.set(RequestContext("r-1", 0.0))
    log.info("within")
    current_request.reset(token)
    log.info("without")
    assert [line.get("request_id") for line in logged.lines()] == ["r-1", None]


def test_a_traceback_is_a_field(logged: Logged) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        log.exception("failed")
    assert logged.line()["exception"].startswith("Traceback (most recent call last):\n")
    assert logged.line()["exception"].endswith("ValueError: two\nlines")


def test_structlog_s_traceback_is_a_field_too(logged: Logged) -> None:
    try:
        raise ValueError
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    assert logged.line()["exception"].endswith("ValueError")


def test_a_field_does_not_take_the_place_of_one_of_ours(logged: Logged) -> None:
    log.info("said", extra={"event": "forged", "level": "forged", "timestamp": "forged"})
    line = logged.line()
    assert (line["event"], line["event_"], line["level"]) == ("said", "forged", "info")


class Hostile:
    def __repr__(self) -> NoReturn:
        raise RuntimeError("no repr")


@attrs.frozen
class WithSecret:
    secret: Secret


def endless() -> list[object]:
    items: list[object] = []
    items.append(items)
    return items


def deep() -> list[object]:
    items: list[object] = []
    for _ in range(100_000):
        items = [items]
    return items


@pytest.mark.parametrize(
    "value",
    [
        "two\nlines\r\u2028\x00\x1b[2J",
        "\udcff",
        b"\xff\n",
        2**70,
        float("nan"),
        {1: {(2, 3): {4}}},
        {"\udcff": 1},
        object(),
        Hostile(),
        endless(),
        deep(),
        WithSecret(Secret("canary")),
        NotImplemented,
        ValueError("x"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("way", ["message", "argument", "extra", "structlog"])
def test_whatever_is_logged_gives_one_line_of_json(value: Any, way: str, logged: Logged) -> None:
    if way == "message":
        log.info(value)
    elif way == "argument":
        log.info("a %s", value)
    elif way == "extra":
        log.info("a", extra={"value": value})
    else:
        structlog.get_logger("ours").info("a", value=value)
    assert logged.line()["level"] == "info"
    assert "canary" not in logged.getvalue()


def test_a_message_that_does_not_fit_its_arguments_leaves_a_line(logged: Logged) -> None:
    log.info("%d of %d", "one")
    line = logged.line()
    assert (line["event"], line["record"], line["error"]) == ("a record could not be logged", "'%d of %d'", "TypeError")
    assert "test_logs.py" in line["where"]


def test_a_stream_that_is_closed_fails_no_caller(logged: Logged) -> None:
    logged.close()
    log.info("unheard")


def test_the_level_changes_while_running(logged: Logged) -> None:
    log.debug("1")
    set_level("DEBUG")
    log.debug("2")
    set_level("ERROR")
    log.warning("3")
    logging.getLogger("asyncio").warning("4")
    structlog.get_logger("ours").warning("5")
    log.error("6")
    assert [line["event"] for line in logged.lines()] == ["2", "6"]


def test_an_unknown_level_is_an_error(logged: Logged) -> None:
    with pytest.raises(ValueError, match="LOUD"):
        set_level("LOUD")


def test_chatty_libraries_are_quiet(logged: Logged) -> None:
    set_level("DEBUG")
    logging.getLogger("asyncio").debug("Using selector")
    logging.getLogger("aiohttp.access").info("GET /")
    assert logged.lines() == []


def test_a_warning_of_python_is_logged(logged: Logged) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old", stacklevel=1)
        logging.captureWarnings(capture=False)
    assert logged.line()["logger"] == "py.warnings"


async def test_an_exception_that_nobody_retrieved_is_logged(logged: Logged) -> None:
    asyncio.get_running_loop().call_exception_handler({"message": "lost", "exception": ValueError("x")})
    assert logged.line()["exception"] == "ValueError: x"


def test_configuring_twice_writes_once(logged: Logged) -> None:
    configure_logs("INFO", as_json=True, stream=logged)
    log.info("once")
    assert logged.line()["event"] == "once"


@pytest.fixture
def console() -> Logged:
    stream = Logged()
    configure_logs("INFO", as_json=False, stream=stream)
    return stream


def test_people_get_readable_lines(console: Logged) -> None:
    log.info("started", extra={"port": 8000})
    assert console.getvalue().rstrip().endswith("port=8000")
    assert "started" in console.getvalue()
    assert "\x1b" not in console.getvalue()


def test_a_terminal_is_not_moved_by_what_is_logged(console: Logged) -> None:
    log.info("a\x1b[2J\nforged line", extra={"value": "b\x1b[2J\nforged"})
    assert "\x1b" not in console.getvalue()
    assert console.getvalue().count("\n") == 1


def test_tracebacks_for_people_show_no_local_variables(console: Logged) -> None:
    canary = "".join(["can", "ary"])
    try:
        raise ValueError(len(canary))
    except ValueError:
        log.exception("failed")
    assert "ValueError: 6" in console.getvalue()
    assert "canary" not in console.getvalue().replace("canary =", "").replace("len(canary)", "")


def test_lines_are_utf8_whatever_the_streams_encoding_is() -> None:
    program = """
        import logging
        from app.entrypoints.logs import configure_logs
        configure_logs("INFO", as_json=True)
        logging.info("é \\u2603")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={"PYTHONPATH": "src", "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stderr)["event"] == "é \u2603"
