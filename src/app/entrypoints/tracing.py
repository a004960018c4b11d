"""Which parts make spans. Where tracing is off (None), all of them are what they are without it."""

import os
from typing import Protocol, TypeVar

import aiohttp

from app.adapters.config.settings import Settings
from app.adapters.tracing.calls import traced_calls
from app.adapters.tracing.events import TracedPublisher
from app.entrypoints.api.errors import translate_error
from app.entrypoints.http.access_log import AccessLog
from app.entrypoints.http.endpoint import ErrorTranslator
from app.entrypoints.http.traced_access_log import TracedAccessLog
from app.entrypoints.http.tracing import noting
from app.ports.events import EventPublisher
from app.ports.health import Resource
from app.tracing import Spans

P = TypeVar("P")


class Tracing(Spans, Resource, Protocol):
    """Makes spans, and sends them while it is open."""


class Caller(Protocol):
    """What sends requests by HTTP."""

    def pass_through(self, middleware: aiohttp.ClientMiddlewareType) -> None: ...


def make_tracing(settings: Settings) -> Tracing | None:
    """What makes spans, where that is wanted. OTEL_SDK_DISABLED=true switches it off in any case."""
    if not settings.tracing.enabled or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    # The extra is there only where somebody wants it.
    from app.adapters.tracing.provider import OtelTracing, ServiceInfo  # noqa: PLC0415

    return OtelTracing(settings.tracing, ServiceInfo(settings.name, settings.version, settings.env.value))


def calling(part: P, spans: Spans | None) -> P:
    """The part, whose calls by HTTP, if it makes any, have spans."""
    caller: object = part
    if spans is not None and hasattr(caller, "pass_through"):
        caller.pass_through(traced_calls(spans))
    return part


def publishing(publisher: EventPublisher, system: str, spans: Spans | None) -> EventPublisher:
    """The publisher; each event that it passes on has a span."""
    return TracedPublisher(calling(publisher, spans), system, spans) if spans is not None else publisher


def make_access_log(as_json: bool, spans: Spans | None) -> AccessLog:
    """One line for each request, which names its span."""
    return TracedAccessLog(as_json=as_json) if spans is not None else AccessLog(as_json=as_json)


def make_translator(spans: Spans | None) -> ErrorTranslator:
    """What turns errors into answers; the request's span is told their type."""
    return noting(translate_error) if spans is not None else translate_error
