"""The way of a request through one route: metrics and access line, deadline, errors, access, handler, answer.

Each stage wraps the next one when the route is mounted, so that nothing is looked up per request.
"""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import attrs
from aiohttp import web

from app.context import RequestContext, current_request
from app.entrypoints.http.access import Access, TokenVerifier, identify
from app.entrypoints.http.binding import CALLER, Call
from app.entrypoints.http.deadline import Deadlines
from app.entrypoints.http.envelope import PROBLEM_JSON, encode_error, encode_problem
from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.metrics import HttpMetrics
from app.entrypoints.http.reply import Render
from app.entrypoints.http.request_ids import RequestIds
from app.entrypoints.http.response import EncodedResponse, header_line

logger = logging.getLogger(__name__)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
ErrorTranslator = Callable[[Exception], HttpError | None]

CLIENT_CLOSED_REQUEST = 499
GONE = HttpError(CLIENT_CLOSED_REQUEST, "CLIENT_CLOSED_REQUEST", "The caller went away.")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+")
UNEXPECTED = HttpError(500, "INTERNAL_SERVER_ERROR", "Something went wrong here. Try again later.")


class AccessLogger(Protocol):
    """Takes one line per request."""

    def record(
        self, method: str, path: str, status: int, duration: float, request_id: str, size: int, remote: str | None
    ) -> None: ...


@attrs.define
class HttpKit:
    """What every route shares. `translate_error` turns the application's errors into answers, or gives None.

    The timeout (seconds) and the limit (bytes) may be changed while serving: they hold for the next request.
    """

    metrics: HttpMetrics
    access_log: AccessLogger
    tokens: TokenVerifier
    translate_error: ErrorTranslator
    request_timeout: float = 5.0
    body_limit: int = 2**20
    request_ids: RequestIds = attrs.field(factory=RequestIds)
    deadlines: Deadlines = attrs.field(factory=Deadlines)


def answering(call: Call, render: Render, access: Access, tokens: TokenVerifier) -> Answer:
    """Lets in whom the route lets in, calls the handler and renders what it returns."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return render(request, await call(request))

    async def answer_known_callers(request: web.Request) -> web.StreamResponse:
        request[CALLER] = await identify(access, request.headers, tokens)
        return render(request, await call(request))

    return answer if access.is_public else answer_known_callers


def served(answer: Answer, kit: HttpKit, method: str, route: str, *, access_logged: bool = True) -> Answer:
    """The whole way of a request: whatever `answer` does, one response leaves, counted and logged."""
    clock, ids, record, deadlines = time.perf_counter, kit.request_ids, kit.access_log.record, kit.deadlines
    usual = kit.metrics.of(method, route)

    async def serve(request: web.Request) -> web.StreamResponse:
        started = clock()
        counted = usual if request.method == method else kit.metrics.of(request.method, route)
        headers = request.headers
        deadline = asyncio.get_running_loop().time() + kit.request_timeout
        context = RequestContext(
            ids.id_for(headers.get("X-Request-ID")), deadline, traceparent=headers.get("traceparent")
        )
        current_request.set(context)
        counted.in_progress += 1
        status, size = CLIENT_CLOSED_REQUEST, 0
        try:
            try:
                response = await deadlines.run(deadline, answer, request)
            except Exception as error:
                failure = GONE if _is_gone(request, error) else _as_http_error(error, kit.translate_error)
                response = error_response(request, failure, context.request_id)
            status, size = response.status, response.body_length
            _stamp(response, context.request_id)
            return response
        finally:
            seconds = clock() - started
            counted.finished(status, seconds)
            if access_logged:
                record(request.method, request.path, status, seconds, context.request_id, size, request.remote)

    return serve


def error_response(request: web.BaseRequest, error: HttpError, request_id: str) -> EncodedResponse:
    """The answer to a failed request, as problem details for those who ask for them."""
    lines = "".join(header_line(name, value) for name, value in error.headers.items())
    if PROBLEM_JSON in request.headers.get("Accept", ""):
        return EncodedResponse(error.status, encode_problem(error, request_id), PROBLEM_JSON, lines)
    return EncodedResponse(error.status, encode_error(error, request_id), headers_block=lines)


def _is_gone(request: web.Request, error: Exception) -> bool:
    """Whether the caller's own connection broke, and not one of ours."""
    return isinstance(error, OSError) and (request.transport is None or request.transport.is_closing())


def _as_http_error(error: Exception, translate: ErrorTranslator) -> HttpError:
    if isinstance(error, HttpError):
        return error
    if isinstance(error, web.HTTPException):
        return HttpError(error.status, _code(error), error.reason, headers=_kept_headers(error))
    translated = translate(error)
    if translated is None:
        logger.error("A request failed unexpectedly.", exc_info=error)
        return UNEXPECTED
    if translated.status >= 500:
        # Known, and as frequent as requests while an outage lasts: a traceback each would bury everything else.
        logger.warning("A request failed: %s (%s)", error, type(error.__cause__ or error).__name__)
    return translated


def _code(error: web.HTTPException) -> str:
    """From the class's name: reasons differ between releases of Python, and codes are stable."""
    return "_".join(_WORDS.findall(type(error).__name__.removeprefix("HTTP"))).upper()


def _kept_headers(error: web.HTTPException) -> dict[str, str]:
    return {name: error.headers[name] for name in ("Allow", "Location", "WWW-Authenticate") if name in error.headers}


def _stamp(response: Any, request_id: str) -> None:
    if type(response) is EncodedResponse:
        response.headers_block += f"X-Request-ID: {request_id}\r\n"
    elif not response.prepared:
        response.headers["X-Request-ID"] = request_id
