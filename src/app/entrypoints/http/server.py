"""Serving an application: limits that only the server knows, and requests that cannot be parsed."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import attrs
from aiohttp import http_parser, web

from app.entrypoints.http.connections import Connections, RefusedConnection, connections_within
from app.entrypoints.http.direct import DIRECT, Endpoint
from app.entrypoints.http.moving import MovableConnection
from app.entrypoints.http.unrouted import refusal, refusal_by_status, unrouted_response

LINGER = 2.0
"""Seconds in which a client that was answered early, or late, may go on sending its body, so as to see the answer."""


_data_received = web.RequestHandler.data_received

LEAVING: web.AppKey[list[Callable[[], Awaitable[None]]]] = web.AppKey("leaving", list)
"""What an application does first of all when it is to end: it still listens then, and serves who comes."""


class ServerError(Exception):
    """The server cannot serve safely; the message says what to change."""


@attrs.frozen
class ServerLimits:
    """What the connections may cost: how many there are; for each, seconds of idling, of sending a head and of taking
    an answer, bytes of the request line and of a header, headers."""

    connections: int = 16_000
    keepalive_timeout: float = 75.0
    head_timeout: float = 10.0
    write_timeout: float = 30.0
    line: int = 8190
    header: int = 8190
    headers: int = 128
    shutdown_timeout: float = 10.0


class EnvelopeProtocol(MovableConnection):
    """Answers what is no HTTP in the envelope as well; no application sees such a request. Tells of slow clients.

    And knows whether its connection is between two requests, when another process can go on with it.
    """

    __slots__ = ("_connection", "_connections", "is_idle")

    def __init__(self, server: "EnvelopeServer", **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._connections = server.open_connections
        self._connection: Any = None
        self.is_idle = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Whatever the system doesn't take at once counts as unread.
        self._connection = transport
        self._connection.set_write_buffer_limits(0)
        self._connections.open += 1
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connections.open -= 1
        self._connections.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.is_idle:
            self.is_idle = False
            self._connections.heads[self] = self._loop.time()
        _data_received(self, data)

    def pause_writing(self) -> None:
        self._connections.unread[self] = self._loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._connections.unread.pop(self, None)
        super().resume_writing()

    def cut(self) -> None:
        """End the connection at once."""
        self._connection.abort()

    @property
    def is_between(self) -> bool:
        """Whether it is between two requests: nothing was read in part, and nothing is left to answer or to send."""
        return self.waits and self not in self._connections.heads

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("The answer is on its way already.")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.logger.error("A request failed outside of any route.", exc_info=exc)
        if status == HTTPStatus.BAD_REQUEST and exc is not None:
            return unrouted_response(request, refusal(exc, self.max_line_size))
        return unrouted_response(request, refusal_by_status(status))


class EnvelopeServer(web.Server):
    """Makes an EnvelopeProtocol for each connection, as long as there are not too many.

    While `is_draining`, each answer is the last on its connection.
    """

    def __init__(
        self,
        server: web.Server,
        find: Callable[[Any], Endpoint | None],
        connections: Connections,
        options: dict[str, Any],
    ) -> None:
        super().__init__(self._handle, request_factory=server.request_factory)
        self._application = server.request_handler
        self._find = find
        self._options = options
        self.open_connections = connections
        self._head_came = connections.heads.pop
        connections.start()
        self.is_draining = False

    @property
    def protocols(self) -> list[EnvelopeProtocol]:
        """The connections that are open."""
        return [each for each in self.connections if isinstance(each, EnvelopeProtocol)]

    def __call__(self) -> Any:
        if self.open_connections.open >= self.open_connections.limit:
            return RefusedConnection()
        return EnvelopeProtocol(self, **self._options)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - aiohttp's signature
        await super().shutdown(timeout)
        self.open_connections.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol: Any = request.protocol
        self._head_came(protocol, None)
        try:
            answer: Any = self._find(request) or self._application
            response: web.StreamResponse = await answer(request)
        except web.HTTPException as error:
            # The router refuses by itself what has no path at all, such as `CONNECT host:port`.
            return unrouted_response(request, refusal_by_status(error.status))
        finally:
            protocol.is_idle = True
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
            "lingering_time": LINGER,
            "max_line_size": limits.line,
            # What is too long is told apart by the limit that it broke: so these two are never the same.
            "max_field_size": limits.header + (limits.header == limits.line),
            "max_headers": limits.headers,
        }
        connections = Connections(connections_within(limits.connections), limits.head_timeout, limits.write_timeout)
        server, direct = await super()._make_server(), self.app.get(DIRECT)
        find = direct.find if direct is not None and direct.agrees_with(self.app) else _leave_to_router
        return EnvelopeServer(server, find, connections, options)


def _leave_to_router(request: web.Request) -> None:
    """Nothing is known of the application."""


def require_c_parser() -> None:
    """The pure-Python parser has had request-smuggling holes; a build without the C one doesn't serve."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise ServerError(
            "Install aiohttp with its C extensions (AIOHTTP_NO_EXTENSIONS unset): it has only its Python parser."
        )
