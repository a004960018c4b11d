"""Spans of requests (https://opentelemetry.io/docs/specs/semconv/http/http-spans/), where tracing is on.

Of what a caller sends, a span has the method, the path and the address; the query and the headers may hold secrets.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.metrics import METHODS, UNMATCHED
from app.tracing import Kind, Spans, current_span

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
ErrorTranslator = Callable[[Exception], HttpError | None]

SERVER_ERROR = 500


def in_span(serve: Answer, spans: Spans, route: str) -> Answer:
    """`serve` within a span below the caller's; `route` is the template that it serves, or UNMATCHED."""

    async def serve_in_span(request: web.Request) -> web.StreamResponse:
        name, attributes = _told(request, route)
        with spans.span(Kind.SERVER, name, attributes, request.headers) as span:
            response = await serve(request)
            span.set("http.response.status_code", response.status)
            if response.status >= SERVER_ERROR:
                span.fail(str(response.status))
            return response

    return serve_in_span


def _told(request: web.Request, route: str) -> tuple[str, dict[str, str | int]]:
    method = request.method if request.method in METHODS else None
    attributes: dict[str, str | int] = {
        "http.request.method": method or "_OTHER",
        "url.scheme": request.scheme,
        # As it was sent, in ASCII: decoded, it might be no text, and all spans sent together would be lost.
        "url.path": request.rel_url.raw_path,
    }
    if request.remote is not None:
        attributes["client.address"] = request.remote
    if route == UNMATCHED:
        return method or "HTTP", attributes
    attributes["http.route"] = route
    return f"{method or 'HTTP'} {route}", attributes


def noting(translate: ErrorTranslator) -> ErrorTranslator:
    """`translate`, which also tells the request's span the type of an error that becomes a 5xx."""

    def translate_and_note(error: Exception) -> HttpError | None:
        found, span = translate(error), current_span.get()
        if span is not None and (found is None or found.status >= SERVER_ERROR):
            span.fail(type(error).__qualname__)
        return found

    return translate_and_note
