"""A response that is encoded already: head and body leave in one write, and little is computed for it.

aiohttp's own `Response` builds, checks and serialises a header map for each answer, which costs more than a handler
that reads one row. This one keeps to aiohttp's public surface: what a response must offer is `prepare`, `write_eof`,
`status` and `keep_alive`. Signals (`on_response_prepare`) are not sent for it.
"""

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

JSON = "application/json"
NOSNIFF = {"X-Content-Type-Options": "nosniff"}
DATA_HEADERS = {
    # JSON is no page: opened as one, or put into one, it may load and run nothing.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
ERROR_HEADERS = {"Cache-Control": "no-store"}
_BODILESS = frozenset({204, 304})
_CLOSE = "Connection: close\r\n"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class EncodedResponse(web.StreamResponse):
    """Bytes to send. `headers_block` holds whole header lines, each ended by CR LF, safe to send as they are."""

    def __init__(self, status: int, body: bytes, content_type: str = JSON, headers_block: str = "") -> None:
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
        """Send head and body, and wait until the client takes them; the second call does nothing."""
        writer = request.writer
        if self.is_kept_alive is None:
            self.is_kept_alive = request.keep_alive and not self.closes
            connection = ""
            if not self.is_kept_alive:
                connection = _CLOSE
            elif request.version is not HttpVersion11 and request.version == HttpVersion10:
                connection = "Connection: keep-alive\r\n"
            self._send(request, self.encoded(connection, with_body=request.method != "HEAD"))
            if request.protocol.writing_paused:
                # Else a client that asks and asks and reads nothing would fill the memory.
                await writer.drain()
        return writer

    @staticmethod
    def _send(request: web.BaseRequest, data: bytes) -> None:
        """Past aiohttp's writer, which would look for chunks, compression and lengths that are not there."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("The client went away.")
        transport.write(data)
        request.writer.output_size += len(data)

    async def write_eof(self, data: bytes = b"") -> None:
        """Everything left with `prepare`."""

    def encoded(self, connection: str = _CLOSE, *, with_body: bool = True) -> bytes:
        """Head and body as they are sent. `connection` is a header line, or empty."""
        status, body = self.encoded_status, self.encoded_body
        if status in _BODILESS:
            return f"{_STATUS_LINES[status]}{_date_line()}{self.headers_block}{connection}\r\n".encode("latin-1")
        start = _JSON_HEADS[status] if self.content_type_line == JSON else self._other_start()
        head = f"{start}{_date_line()}{self.headers_block}{connection}Content-Length: {len(body)}\r\n\r\n"
        return head.encode("latin-1") + body if with_body else head.encode("latin-1")

    def _other_start(self) -> str:
        data = _lines(DATA_HEADERS) if self.content_type_line.endswith("json") else ""
        return f"{_STATUS_LINES[self.encoded_status]}{data}Content-Type: {self.content_type_line}\r\n"


def header_line(name: str, value: str) -> str:
    """One header as it is sent. Raises ValueError for a value that would break out of its line or isn't Latin-1."""
    if "\r" in value or "\n" in value or "\0" in value:
        raise ValueError(f"The value of {name} holds a line break or a NUL.")
    value.encode("latin-1")
    return f"{name}: {value}\r\n"


class _StatusLines(dict[int, str]):
    """Status lines with the headers that every answer has, made once per status."""

    def __missing__(self, status: int) -> str:
        line = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n" + _lines(NOSNIFF)
        if status >= HTTPStatus.BAD_REQUEST:
            line += _lines(ERROR_HEADERS)
        self[status] = line
        return line


class _JsonHeads(dict[int, str]):
    """The same, with the headers that every answer in JSON has."""

    def __missing__(self, status: int) -> str:
        head = _STATUS_LINES[status] + _lines({**DATA_HEADERS, "Content-Type": JSON})
        self[status] = head
        return head


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(header_line(name, value) for name, value in headers.items())


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
_JSON_HEADS = _JsonHeads()
_date_line = _DateLine()
