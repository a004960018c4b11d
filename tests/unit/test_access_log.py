import asyncio
import io
import json
import logging
import os
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from app.entrypoints.http import access_log
from app.entrypoints.http.access_log import FLUSH_AT, AccessLog

SOME_MOMENT = 1_700_000_000.25


class Broken(io.StringIO):
    """A stream that fails for as long as it is told to."""

    fails = True

    def write(self, text: str) -> int:
        if self.fails:
            raise OSError(28, "No space left on device")
        return super().write(text)


def make(stream: io.StringIO, *, as_json: bool = True) -> AccessLog:
    return AccessLog(as_json=as_json, stream=stream, clock=lambda: SOME_MOMENT)


def record(log: AccessLog, path: str = "/a", **other: Any) -> None:
    values: dict[str, Any] = {
        "method": "GET",
        "status": 200,
        "duration": 0.0012345,
        "request_id": "r-1",
        "size": 5,
        "remote": "::1",
    }
    log.record(path=path, **(values | other))


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def test_a_request_is_one_line_of_json() -> None:
    stream = io.StringIO()
    log = make(stream)
    record(log)
    log.flush()
    assert lines(stream) == [
        {
            "timestamp": "2023-11-14T22:13:20.250+00:00",
            "level": "info",
            "logger": "access",
            "event": "request",
            "method": "GET",
            "path": "/a",
            "status": 200,
            "duration_ms": 1.234,
            "request_id": "r-1",
            "size": 5,
            "remote": "::1",
        }
    ]


def test_lines_over_several_seconds_have_their_own_times() -> None:
    stream, moments = io.StringIO(), iter([0.999, 1.0, 1.0015, 61.5])
    log = AccessLog(as_json=True, stream=stream, clock=lambda: next(moments))
    for _ in range(4):
        record(log)
    log.flush()
    assert [line["timestamp"][17:23] for line in lines(stream)] == ["00.999", "01.000", "01.001", "01.500"]


@pytest.mark.parametrize("as_json", [True, False])
def test_the_query_string_is_not_logged(*, as_json: bool) -> None:
    stream = io.StringIO()
    log = make(stream, as_json=as_json)
    record(log, "/a?token=canary")
    log.flush()
    assert "/a" in stream.getvalue()
    assert "canary" not in stream.getvalue()


@pytest.mark.parametrize("path", ["/\udcff", '/"\\\n\r\0\u2028', "/é\U0001f600", "/" + "x" * 100_000])
def test_whatever_the_path_is_a_line_is_one_line_of_json(path: str) -> None:
    stream = io.StringIO()
    log = make(stream)
    record(log, "/before")
    record(log, path, remote=None)
    log.flush()
    assert [line["path"] for line in lines(stream)] == ["/before", path.replace("\udcff", r"\udcff")]


def test_people_get_a_short_line_that_does_not_move_the_terminal() -> None:
    stream = io.StringIO()
    log = make(stream, as_json=False)
    record(log)
    record(log, "/\x1b[2J\nforged\udcff")
    log.flush()
    assert stream.getvalue().split("\n") == [
        "22:13:20 200 GET /a 1.2 ms r-1",
        r"22:13:20 200 GET '/\x1b[2J\nforged\udcff' 1.2 ms r-1",
        "",
    ]


def test_lines_wait_until_there_are_many() -> None:
    stream = io.StringIO()
    log = make(stream)
    for _ in range(FLUSH_AT - 1):
        record(log)
    assert stream.getvalue() == ""
    record(log)
    assert len(lines(stream)) == FLUSH_AT


async def test_lines_are_written_regularly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "FLUSH_EVERY", 0.001)
    stream = io.StringIO()
    log = make(stream)
    await log.open()
    for round_ in range(1, 3):
        record(log)
        async with asyncio.timeout(10):
            while len(lines(stream)) < round_:
                await asyncio.sleep(0.001)
    await log.close()


async def test_closing_writes_what_is_waiting_and_ends_the_task() -> None:
    stream = io.StringIO()
    log = make(stream)
    await log.open()
    for _ in range(3):
        record(log)
    await log.close()
    assert len(lines(stream)) == 3
    assert [task for task in asyncio.all_tasks() if task.get_name() == "access log"] == []


async def test_closing_what_was_never_opened_loses_nothing() -> None:
    stream = io.StringIO()
    log = make(stream)
    record(log)
    await log.close()
    assert len(lines(stream)) == 1


def test_a_full_disk_fails_no_request_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    stream = Broken()
    log = make(stream)
    for _ in range(2):
        for _ in range(FLUSH_AT):
            record(log)
    assert [entry.levelno for entry in caplog.records] == [logging.ERROR]
    stream.fails = False
    record(log)
    log.flush()
    assert len(lines(stream)) == 1
    assert caplog.messages[-1] == f"The access log is written again; {2 * FLUSH_AT} lines were lost."


async def test_the_task_survives_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "FLUSH_EVERY", 0.001)
    stream = Broken()
    log = make(stream)
    await log.open()
    record(log)
    await asyncio.sleep(0.02)
    stream.fails = False
    record(log)
    async with asyncio.timeout(10):
        while not lines(stream):
            await asyncio.sleep(0.001)
    await log.close()


def test_a_stream_of_another_encoding_gets_utf8() -> None:
    raw = io.BytesIO()
    log = AccessLog(as_json=True, stream=io.TextIOWrapper(raw, encoding="ascii"), clock=lambda: SOME_MOMENT)
    record(log, "/é")
    log.flush()
    assert json.loads(raw.getvalue())["path"] == "/é"


def test_lines_of_several_workers_do_not_mix_in_a_pipe() -> None:
    reading, writing = os.pipe()
    with ExitStack() as stack:
        streams = [stack.enter_context(os.fdopen(os.dup(writing), "w")) for _ in range(2)]
        os.close(writing)
        logs = [AccessLog(as_json=True, stream=stream, clock=lambda: SOME_MOMENT) for stream in streams]
        for log in logs:
            for _ in range(FLUSH_AT - 1):
                record(log, path="/" + "a" * 100)
        # Each has more to say than the pipe holds, so that both wait for the reader in turn.
        threads = [
            threading.Thread(target=lambda log=log, stream=stream: (log.flush(), stream.close()))
            for log, stream in zip(logs, streams, strict=True)
        ]
        for thread in threads:
            thread.start()
        with os.fdopen(reading, "rb") as read:
            lines = read.read().splitlines()
        for thread in threads:
            thread.join()
    assert len(lines) == 2 * (FLUSH_AT - 1)
    assert {json.loads(line)["path"] for line in lines} == {"/" + "a" * 100}


def test_a_line_longer_than_a_pipe_takes_at_once_is_written_whole() -> None:
    lines = [b"a" * 9000 + b"\n", b"b\n", b"c" * 4094 + b"\n"]
    assert list(access_log.pieces(b"".join(lines))) == lines
