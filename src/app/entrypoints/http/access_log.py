"""One line per request, written off the way of requests: they are collected, then encoded and written in one go."""

import asyncio
import logging
import select
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TextIO

import msgspec

FLUSH_EVERY = 1.0
FLUSH_AT = 2000

logger = logging.getLogger(__name__)

Line = tuple[float, str, str, int, float, str, int, str | None]
"""Moment (seconds since 1970), method, path, status, duration (seconds), request id, size (bytes), remote address."""


class AccessLog:
    """Access lines, written each second, whenever 2,000 are waiting, and at the end. A resource.

    `as_json` gives one JSON object a line, otherwise a line for people. Query strings are not logged: they may hold
    secrets. A stream that cannot be written to costs the lines, never the requests: it is logged how many were lost.
    """

    def __init__(self, *, as_json: bool, stream: TextIO | None = None, clock: Callable[[], float] = time.time) -> None:
        self._encode = encode_json if as_json else encode_text
        self._stream = stream or sys.stdout
        self._clock = clock
        self._lines: list[Line] = []
        self._lost = 0
        self._task: asyncio.Task[None] | None = None

    def record(
        self, method: str, path: str, status: int, duration: float, request_id: str, size: int, remote: str | None
    ) -> None:
        """Take down one request: its duration in seconds, the size of its answer in bytes."""
        self._lines.append((self._clock(), method, path, status, duration, request_id, size, remote))
        if len(self._lines) >= FLUSH_AT:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        encoded = self._encode(lines)
        try:
            self._write(encoded)
        except (OSError, ValueError):
            if self._lost == 0:
                logger.exception("The access log cannot be written; its lines are lost until it can.")
            self._lost += len(lines)
        else:
            self._tell_lost()

    async def open(self) -> None:
        """Begin to write once a second."""
        self._task = asyncio.create_task(self._flush_regularly(), name="access log")

    async def close(self) -> None:
        """Write the rest and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        self.flush()

    async def _flush_regularly(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            self.flush()

    def _write(self, encoded: bytes) -> None:
        # Bytes, where the stream takes them: JSON is UTF-8, whatever the stream's own encoding is.
        buffer = getattr(self._stream, "buffer", None)
        if buffer is None:
            self._stream.write(encoded.decode())
            self._stream.flush()
            return
        self._stream.flush()
        for piece in pieces(encoded):
            buffer.write(piece)
            self._stream.flush()

    def _tell_lost(self) -> None:
        if self._lost:
            logger.warning("The access log is written again; %d lines were lost.", self._lost)
            self._lost = 0


def pieces(encoded: bytes) -> Iterator[bytes]:
    """Whole lines, as many at a time as a pipe takes in one (POSIX, PIPE_BUF).

    Workers share the pipe, and their lines must not mix. Only a line that is longer by itself may still be cut.
    """
    start = 0
    while len(encoded) - start > select.PIPE_BUF:
        end = encoded.rfind(b"\n", start, start + select.PIPE_BUF) + 1 or encoded.find(b"\n", start) + 1 or len(encoded)
        yield encoded[start:end]
        start = end
    if start < len(encoded):
        yield encoded[start:]


class _JsonLine(msgspec.Struct, gc=False):  # it holds no containers: nothing for the collector to look at
    timestamp: str
    method: str
    path: str
    status: int
    duration_ms: float
    request_id: str
    size: int
    remote: str | None
    level: str = "info"
    logger: str = "access"
    event: str = "request"


_encode_lines = msgspec.json.Encoder().encode_lines


def encode_json(lines: list[Line]) -> bytes:
    """One JSON object per line, whatever is in them."""
    try:
        return _encode_lines(_json_lines(lines))
    except UnicodeEncodeError:
        # Lone surrogates are no UTF-8. They are rare, so that looking for them waits until one was met.
        return _encode_lines(_json_lines([_without_surrogates(line) for line in lines]))


def _json_lines(lines: list[Line]) -> list[_JsonLine]:
    return [
        _JsonLine(moment, method, path.partition("?")[0], status, round(duration * 1000, 3), request_id, size, remote)
        for moment, (_, method, path, status, duration, request_id, size, remote) in zip(
            _moments(lines), lines, strict=True
        )
    ]


def _moments(lines: list[Line]) -> Iterable[str]:
    """The times of the lines in UTC (ISO 8601, milliseconds); the part up to the second is made once for many lines."""
    current, prefix = -1, ""
    for line in lines:
        milliseconds = int(line[0] * 1000)
        second = milliseconds // 1000
        if second != current:
            current, prefix = second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        yield f"{prefix}{milliseconds % 1000:03d}+00:00"


def _without_surrogates(line: Line) -> Line:
    moment, method, path, status, duration, request_id, size, remote = line
    return moment, _replaced(method), _replaced(path), status, duration, _replaced(request_id), size, remote


def _replaced(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def encode_text(lines: list[Line]) -> bytes:
    """One line per request for people; what could move a terminal's cursor is escaped."""
    return "".join(map(_as_text, lines)).encode("utf-8", "replace")


def _as_text(line: Line) -> str:
    at, method, path, status, duration, request_id, _, _ = line
    moment = datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
    path = path.partition("?")[0]
    shown = path if path.isprintable() else repr(path)
    return f"{moment} {status} {method} {shown} {duration * 1000:.1f} ms {request_id}\n"
