"""Serving an application: limits that only the server knows, and requests that cannot be parsed."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import attrs
from aiohttp import http_parser, web

from app.entrypoints.http.endpoint import UNEXPECTED, error_response
from app.entrypoints.http.errors import HttpError, not_found
from app.entrypoints.http.request_ids import RequestIds

UNROUTED_IDS = RequestIds()

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


class EnvelopeProtocol(web.RequestHandler):
    """Answers what is no HTTP in the envelope as well; no application sees such a request."""

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
    """Makes an EnvelopeProtocol for each connection."""

    def __init__(self, server: web.Server, options: dict[str, Any]) -> None:
        super().__init__(self._handle, request_factory=server.request_factory)
        self._application = server.request_handler
        self._options = options

    def __call__(self) -> web.RequestHandler:
        return EnvelopeProtocol(self, loop=asyncio.get_running_loop(), **self._options)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._application(request)
        except web.HTTPException as error:
            # The router refuses by itself what has no path at all, such as `CONNECT host:port`.
            return unrouted_response(request, error.status)


class EnvelopeRunner(web.AppRunner):
    """Runs an application under our limits. Raises ServerError where aiohttp's C parser is missing."""

    def __init__(self, app: web.Application, limits: ServerLimits) -> None:
        require_c_parser()
        super().__init__(app, access_log=None, shutdown_timeout=limits.shutdown_timeout)
        self._limits = limits

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
