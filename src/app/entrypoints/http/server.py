"""Serving an application: limits that only the server knows, and requests that cannot be parsed."""

import asyncio
import fcntl
import termios
from array import array
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import attrs
from aiohttp import http_parser, web
from aiohttp.http_exceptions import HttpProcessingError

from app.entrypoints.http.endpoint import UNEXPECTED, error_response
from app.entrypoints.http.errors import HttpError, not_found
from app.entrypoints.http.request_ids import RequestIds

UNROUTED_IDS = RequestIds()
REQUEST_TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
"""RFC 9110, section 15.5.9: the client may repeat the request on another connection."""

LEAVING: web.AppKey[list[Callable[[], Awaitable[None]]]] = web.AppKey("leaving", list)
"""What an application does first of all when it is to end: it still listens then, and serves who comes."""


class ServerError(Exception):
    """The server cannot serve safely; the message says what to change."""


@attrs.frozen
class ServerLimits:
    """What one connection may cost: seconds of idling, bytes of the request line and of a header, headers."""

    keepalive_timeout: float = 75.0
    line: int = 8190
    header: int = 8190
    headers: int = 128
    shutdown_timeout: float = 10.0


def unread(descriptor: int) -> bool:
    """Whether the kernel has data of this socket that wasn't read yet."""
    count = array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0] > 0


class EnvelopeProtocol(web.RequestHandler):
    """Answers what is no HTTP in the envelope as well, and knows whether its connection is between two requests."""

    __slots__ = ("has_begun",)

    def __init__(self, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self.has_begun = False

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Whoever still waits for a request after data came has got a part of one.
        waiter = self._waiter
        self.has_begun = waiter is not None and not waiter.done()

    @property
    def is_idle(self) -> bool:
        """Whether nothing was read in part, and nothing is left to answer or to send."""
        waiter, transport = self._waiter, self.transport
        if waiter is None or waiter.done() or transport is None or transport.is_closing():
            return False
        waits = not (self.has_begun or self._messages or self._upgraded)
        return waits and transport.get_write_buffer_size() == 0

    @property
    def has_more(self) -> bool:
        """Whether requests that were sent together wait behind the one that is answered."""
        return bool(self._messages)

    def close_unless_sent(self) -> None:
        """Close an idle connection, unless a request has arrived that nobody has read yet."""
        transport = self.transport
        if transport is not None and not unread(transport.get_extra_info("socket").fileno()):
            self.force_close()

    def _has_hidden_part(self) -> bool:
        """Whether the begin of a request came together with the end of the one before it, which only the parser knows.

        It answers by failing, or by making up a request, when it is told that no more will come.
        """
        try:
            return self._parser is not None and self._parser.feed_eof() is not None
        except HttpProcessingError:
            return True

    def hand_over(self, give: Callable[[int], bool]) -> bool:
        """Let go of an idle connection, its descriptor given away by `give`; what the client sends later is read there.

        False when `give` refuses it now. Nothing is read between the look at the state and the end of this call.
        """
        transport = self.transport
        if transport is None:
            return False
        if self._has_hidden_part():
            # Nobody else can go on from there.
            transport.write(REQUEST_TIMEOUT)
            self.force_close()
            return True
        transport.pause_reading()
        if not give(transport.get_extra_info("socket").fileno()):
            transport.resume_reading()
            return False
        self.force_close()
        return True

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("The answer is on its way already.")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.logger.error("A request failed outside of any route.", exc_info=exc)
        return unrouted_response(request, status)


def unrouted_response(request: web.BaseRequest, status: int) -> web.StreamResponse:
    """The answer to what no route has seen, after which the connection is closed."""
    if status == HTTPStatus.NOT_FOUND:
        error = not_found()
    elif status < HTTPStatus.INTERNAL_SERVER_ERROR:
        error = HttpError(status, "BAD_REQUEST", "Send a well-formed HTTP request.")
    else:
        error = UNEXPECTED
    request_id = UNROUTED_IDS.id_for(None)
    response = error_response(request, error, request_id)
    response.headers_block += f"X-Request-ID: {request_id}\r\n"
    response.force_close()
    return response


class EnvelopeServer(web.Server):
    """Makes an EnvelopeProtocol for each connection. While `is_draining`, each answer is the last on its connection."""

    def __init__(self, server: web.Server, options: dict[str, Any]) -> None:
        super().__init__(self._handle, request_factory=server.request_factory)
        self._application = server.request_handler
        self._options = options
        self.is_draining = False

    @property
    def protocols(self) -> list[EnvelopeProtocol]:
        """The connections that are open."""
        return [each for each in self.connections if isinstance(each, EnvelopeProtocol)]

    def __call__(self) -> web.RequestHandler:
        return EnvelopeProtocol(self, loop=asyncio.get_running_loop(), **self._options)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            response = await self._application(request)
        except web.HTTPException as error:
            # The router refuses by itself what has no path at all, such as `CONNECT host:port`.
            return unrouted_response(request, error.status)
        if self.is_draining and not response.prepared:
            self._close_after(request, response)
        return response

    @staticmethod
    def _close_after(request: web.BaseRequest, response: web.StreamResponse) -> None:
        protocol = request.protocol
        if not (isinstance(protocol, EnvelopeProtocol) and protocol.has_more):
            response.force_close()


class EnvelopeRunner(web.AppRunner):
    """Runs an application under our limits. Raises ServerError where aiohttp's C parser is missing."""

    def __init__(self, app: web.Application, limits: ServerLimits) -> None:
        require_c_parser()
        super().__init__(app, access_log=None, shutdown_timeout=limits.shutdown_timeout)
        self._limits = limits

    @property
    def envelope_server(self) -> EnvelopeServer:
        """The server, once it is set up. Raises RuntimeError before."""
        if not isinstance(self.server, EnvelopeServer):
            raise RuntimeError("Call setup() first.")
        return self.server

    async def cleanup(self) -> None:
        """Let the application take its leave; then stop listening, end what is running, and close."""
        try:
            for leave in self.app.get(LEAVING, ()):
                await leave()
        finally:
            await super().cleanup()

    async def _make_server(self) -> web.Server:
        limits = self._limits
        options = {
            "access_log": None,
            "keepalive_timeout": limits.keepalive_timeout,
            "max_line_size": limits.line,
            "max_field_size": limits.header,
            "max_headers": limits.headers,
        }
        return EnvelopeServer(await super()._make_server(), options)


def require_c_parser() -> None:
    """The pure-Python parser has had request-smuggling holes; a build without the C one doesn't serve."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise ServerError(
            "Install aiohttp with its C extensions (AIOHTTP_NO_EXTENSIONS unset): it has only its Python parser."
        )
