"""The way of a request through one route: metrics and access line, deadline, errors, access, handler, answer.

Each stage wraps the next one when the route is mounted, so that nothing is looked up per request.
"""

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Protocol

import attrs
from aiohttp import web
from multidict import istr

from app.context import RequestContext, current_request, request_id
from app.entrypoints.http.accept import PROBLEM_JSON, prefers_problem
from app.entrypoints.http.access import TokenVerifier, identify, public
from app.entrypoints.http.admission import NO_LIMIT, Admission, Overloaded
from app.entrypoints.http.binding import CALLER, Call
from app.entrypoints.http.body import BROKEN_BODY, BodyLimits
from app.entrypoints.http.cors import Cors
from app.entrypoints.http.deadline import TIMEOUT_HEADER, Deadlines, shorter
from app.entrypoints.http.definition import Definition
from app.entrypoints.http.envelope import encode_error, encode_problem
from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.keyed import Once
from app.entrypoints.http.metrics import HttpMetrics
from app.entrypoints.http.rate_limit import Meter, by_subject
from app.entrypoints.http.reply import Render
from app.entrypoints.http.request_ids import RequestIds
from app.entrypoints.http.response import NOSNIFF, EncodedResponse, header_line
from app.entrypoints.http.tracing import in_span
from app.tracing import Spans

logger = logging.getLogger(__name__)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Enter = Callable[[web.Request], str | Awaitable[str]]
"""Raises HttpError for who may not enter; else gives the header lines that tell how often one may, at once or later."""
Run = Callable[[web.Request, RequestContext], Awaitable[web.StreamResponse]]
ErrorTranslator = Callable[[Exception], HttpError | None]

CLIENT_CLOSED_REQUEST = 499
LIMIT_LINES: web.RequestKey[str] = web.RequestKey("limit lines", str)
"""The header lines that tell a caller who gets an error how often it may ask."""
REQUEST_ID, ORIGIN, TRACEPARENT = map(istr, ("X-Request-ID", "Origin", "traceparent"))  # half a str's cost to look up
GONE = HttpError(CLIENT_CLOSED_REQUEST, "CLIENT_CLOSED_REQUEST", "The caller went away.")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+")
_UNREAD = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
UNEXPECTED = HttpError(500, "INTERNAL_SERVER_ERROR", "Something went wrong here. Try again later.")


class AccessLogger(Protocol):
    """Takes one line per request."""

    def record(
        self, method: str, path: str, status: int, duration: float, request_id: str, size: int, remote: str | None
    ) -> None: ...


@attrs.define
class HttpKit:
    """What every route shares. `translate_error` turns the application's errors into answers, or gives None.

    The timeout (seconds), what a body may cost and how many requests are in flight may be changed while serving: they
    hold for the next request.
    """

    metrics: HttpMetrics
    access_log: AccessLogger
    tokens: TokenVerifier
    translate_error: ErrorTranslator
    request_timeout: float = 5.0
    once: Once | None = None
    body: BodyLimits = attrs.field(factory=BodyLimits)
    admission: Admission = attrs.field(factory=Admission)
    meter: Meter | None = None
    cors: Cors | None = None
    spans: Spans | None = None
    request_ids: RequestIds = attrs.field(factory=RequestIds)
    deadlines: Deadlines = attrs.field(factory=Deadlines)


def answering(call: Call, render: Render, declared: Definition, kit: HttpKit) -> Answer:
    """Lets in whom the route lets in and as often as it may, calls the handler and renders what it returns."""
    enter = _entrance(declared, kit)
    if enter is None:
        return _answering_all(call, render)

    async def answer(request: web.Request) -> web.StreamResponse:
        lines = enter(request)
        if not isinstance(lines, str):
            lines = await lines
        try:
            response = render(request, await call(request))
        except BaseException:
            request[LIMIT_LINES] = lines  # what is left is told with errors too
            raise
        if type(response) is EncodedResponse:
            response.headers_block += lines
        return response

    return answer


def _answering_all(call: Call, render: Render) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return render(request, await call(request))

    return answer


def _entrance(declared: Definition, kit: HttpKit) -> Enter | None:
    access, tokens, meter = declared.access or public, kit.tokens, kit.meter if declared.limited else None
    if access.is_public:
        return meter.admit_address_now if meter is not None else None

    async def enter(request: web.Request) -> str:
        try:
            caller = await identify(access, request.headers, tokens)
        except HttpError:
            if meter is not None:
                request[LIMIT_LINES] = await meter.admit_address(request)
            raise
        request[CALLER] = caller
        return await meter.admit(by_subject(caller.subject)) if meter is not None else ""

    return enter


def within_limits(answer: Answer, kit: HttpKit, *, limited: bool) -> Run:
    """`answer`, begun only when there is room for it, and ended when its time is over."""
    admission, deadlines = kit.admission if limited else NO_LIMIT, kit.deadlines

    def run(request: web.Request, context: RequestContext) -> Awaitable[web.StreamResponse]:
        if admission.running >= admission.limit:
            raise Overloaded
        asked = request.headers.get(TIMEOUT_HEADER)
        if asked is not None:
            context.deadline -= kit.request_timeout - shorter(asked, kit.request_timeout)
        return deadlines.run(context.deadline, answer, request)

    return run


def served(answer: Answer, kit: HttpKit, method: str, route: str, declared: Definition | None = None) -> Answer:
    """The whole way of a request: whatever `answer` does, one response leaves, counted and logged."""
    clock, ids, record = time.monotonic, kit.request_ids, kit.access_log.record
    usual, stamp = kit.metrics.of(method, route), _stamp(kit.cors)
    access_logged = declared is None or declared.access_logged
    run = within_limits(answer, kit, limited=declared is not None and declared.limited)

    async def serve(request: web.Request) -> web.StreamResponse:
        started = clock()
        counted = usual if request.method == method else kit.metrics.of(request.method, route)
        headers = request.headers
        context = RequestContext(
            ids.id_for(headers.get(REQUEST_ID)), started + kit.request_timeout, traceparent=headers.get(TRACEPARENT)
        )
        current_request.set(context)
        counted.in_progress += 1
        status, size = CLIENT_CLOSED_REQUEST, 0
        try:
            try:
                response = await run(request, context)
            except Exception as error:  # the boundary of errors: whatever was raised, one answer leaves
                response = error_response(request, _as_http_error(request, error, kit), context.request_id)
                response.headers_block += request.get(LIMIT_LINES, "")
            status, size = stamp(response, context.request_id, headers)
            return response
        finally:
            seconds = clock() - started
            counted.finished(status, seconds)
            if access_logged:
                record(request.method, request.path, status, seconds, context.request_id, size, request.remote)

    return serve if kit.spans is None or not access_logged else in_span(serve, kit.spans, route)


def _stamp(cors: Cors | None) -> Callable[[web.StreamResponse, str, Mapping[str, str]], tuple[int, int]]:
    """Puts what every answer has into its head: the request's id, and what the caller's origin needs."""
    cors_lines = cors.lines if cors is not None else None

    def stamp(response: web.StreamResponse, id_: str, headers: Mapping[str, str]) -> tuple[int, int]:
        if type(response) is not EncodedResponse:
            return response.status, response.body_length  # its head gets them from `stream_headers`
        origin = cors_lines(headers.get(ORIGIN)) if cors_lines is not None else ""
        response.headers_block += f"X-Request-ID: {id_}\r\n{origin}"
        return response.encoded_status, len(response.encoded_body)

    return stamp


def error_response(request: web.BaseRequest, error: HttpError, id_: str) -> EncodedResponse:
    """The answer to a failed request, as problem details for those who ask for them."""
    lines = "".join(header_line(name, value) for name, value in error.headers.items())
    if prefers_problem(request.headers):
        response = EncodedResponse(error.status, encode_problem(error, id_), PROBLEM_JSON, lines)
    else:
        response = EncodedResponse(error.status, encode_error(error, id_), headers_block=lines)
    response.closes = (
        error.status in _UNREAD or error.code == BROKEN_BODY
    )  # what is left of the body will never be read
    return response


def _is_gone(request: web.Request, error: Exception) -> bool:
    """Whether the caller's own connection broke, and not one of ours."""
    return isinstance(error, OSError) and (request.transport is None or request.transport.is_closing())


def _as_http_error(request: web.Request, error: Exception, kit: HttpKit) -> HttpError:
    if _is_gone(request, error):
        return GONE
    if isinstance(error, HttpError):
        return error
    if isinstance(error, web.HTTPException):
        return HttpError(error.status, _code(error), error.reason, headers=_kept_headers(error))
    translated = kit.translate_error(error)
    if translated is None:
        logger.error("A request failed unexpectedly.", exc_info=error)
        return UNEXPECTED
    if translated.status >= 500 and translated.status != HTTPStatus.GATEWAY_TIMEOUT:  # which the caller may ask for
        # Known, and as frequent as requests while an outage lasts: a traceback each would bury everything else.
        logger.warning("A request failed: %s (%s)", error, type(error.__cause__ or error).__name__)
    return translated


def _code(error: web.HTTPException) -> str:
    """From the class's name: reasons differ between releases of Python, and codes are stable."""
    return "_".join(_WORDS.findall(type(error).__name__.removeprefix("HTTP"))).upper()


def _kept_headers(error: web.HTTPException) -> dict[str, str]:
    return {name: error.headers[name] for name in ("Allow", "Location", "WWW-Authenticate") if name in error.headers}


def stream_headers(kit: HttpKit) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """A signal for what handlers send by themselves, such as a stream: it gets the headers that all answers have."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.pop("Server", None)
        response.headers.update(NOSNIFF)
        response.headers["X-Request-ID"] = request_id() or ""
        for line in kit.cors.lines(request.headers.get(ORIGIN)).splitlines() if kit.cors is not None else ():
            name, _, value = line.partition(": ")
            response.headers[name] = value

    return add
