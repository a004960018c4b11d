"""A response that is encoded already: head and body leave in one write, and little is computed for it.

aiohttp's own `Response` builds, checks and serialises a header map for each answer, which costs more than a handler
that reads one row. This one keeps to aiohttp's public surface: what a response must offer is `prepare`, `write_eof`,
`status` and `keep_alive`. Signals (`on_response_prepare`) are not sent for it.
"""

import time
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import HttpVersion10, web
from aiohttp.abc import AbstractStreamWriter

_BODILESS = frozenset({204, 304})
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class EncodedResponse(web.StreamResponse):
    """Bytes to send. `headers_block` holds whole header lines, each ended by CR LF, safe to send as they are."""

    def __init__(
        self, status: int, body: bytes, content_type: str = "application/json", headers_block: str = ""
    ) -> None:
        # StreamResponse.__init__ is left out on purpose: it builds what this class replaces.
        self.encoded_status = status
        self.encoded_body = body
        self.content_type_line = content_type
        self.headers_block = headers_block
        self.closes = False
        self.is_kept_alive: bool | None = None

    @property
    def status(self) -> int:
        return self.encoded_status

    @property
    def keep_alive(self) -> bool | None:
        return self.is_kept_alive

    @property
    def prepared(self) -> bool:
        return self.is_kept_alive is not None

    @property
    def body_length(self) -> int:
        return len(self.encoded_body)

    def force_close(self) -> None:
        self.closes = True

    def __repr__(self) -> str:
        return f"<EncodedResponse {self.encoded_status}, {len(self.encoded_body)} bytes>"

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Send head and body; the second call does nothing."""
        writer = request.writer
        if self.is_kept_alive is None:
            self.is_kept_alive = request.keep_alive and not self.closes
            await writer.write(self._encode(request))
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Everything left with `prepare`."""

    def _encode(self, request: web.BaseRequest) -> bytes:
        status, body = self.encoded_status, self.encoded_body
        head = _STATUS_LINES[status] + _date_line() + self.headers_block
        if not self.is_kept_alive:
            head += "Connection: close\r\n"
        elif request.version == HttpVersion10:
            head += "Connection: keep-alive\r\n"
        if status in _BODILESS:
            return (head + "\r\n").encode("latin-1")
        head += f"Content-Type: {self.content_type_line}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode("latin-1") if request.method == "HEAD" else head.encode("latin-1") + body


def header_line(name: str, value: str) -> str:
    """One header as it is sent. Raises ValueError for a value that would break out of its line or isn't Latin-1."""
    if "\r" in value or "\n" in value or "\0" in value:
        raise ValueError(f"The value of {name} holds a line break or a NUL.")
    value.encode("latin-1")
    return f"{name}: {value}\r\n"


class _StatusLines(dict[int, str]):
    """Status lines with the headers that every answer has, made once per status."""

    def __missing__(self, status: int) -> str:
        line = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\nX-Content-Type-Options: nosniff\r\n"
        self[status] = line
        return line


class _DateLine:
    """The Date header, made once per second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = ""

    def __call__(self) -> str:
        now = int(time.time())
        if now != self._second:
            self._second, self._line = now, f"Date: {formatdate(now, usegmt=True)}\r\n"
        return self._line


_STATUS_LINES = _StatusLines()
_date_line = _DateLine()
