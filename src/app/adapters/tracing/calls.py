"""Spans of calls by HTTP (https://opentelemetry.io/docs/specs/semconv/http/http-spans/)."""

import aiohttp
from yarl import URL

from app.tracing import Kind, Spans


def traced_calls(spans: Spans) -> aiohttp.ClientMiddlewareType:
    """A client middleware: a span for each request that is sent, until the head of its answer is there.

    Who is asked learns of that span. What stands in the URL behind the path may be secret, as may be the user.
    """

    async def traced(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        with spans.span(Kind.CLIENT, request.method, _attributes(request)) as span:
            request.headers.update(span.headers())
            response = await handler(request)
            span.set("http.response.status_code", response.status)
            if response.status >= 400:
                span.fail(str(response.status))
            return response

    return traced


def _attributes(request: aiohttp.ClientRequest) -> dict[str, str | int]:
    url = request.url
    return {
        "http.request.method": request.method,
        "url.full": str(without_secrets(url)),
        "server.address": url.host or "",
        "server.port": url.port or 0,
    }


def without_secrets(url: URL) -> URL:
    """The URL without user, password, query and fragment."""
    return url.with_user(None).with_query(None).with_fragment(None)
