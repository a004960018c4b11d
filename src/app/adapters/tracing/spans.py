"""Spans of OpenTelemetry. Of an exception they keep the type: its message may quote a row or a secret."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import SpanKind, StatusCode, Tracer, format_span_id, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.tracing import Attributes, Kind, current_span

_KINDS = {Kind.SERVER: SpanKind.SERVER, Kind.CLIENT: SpanKind.CLIENT, Kind.PRODUCER: SpanKind.PRODUCER}
_W3C = TraceContextTextMapPropagator()


class OtelSpan:
    """The protocol `Span` on OpenTelemetry's API."""

    __slots__ = ("_has_failed", "_span")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._has_failed = False

    @property
    def trace_id(self) -> str:
        return format_trace_id(self._span.get_span_context().trace_id)

    @property
    def span_id(self) -> str:
        return format_span_id(self._span.get_span_context().span_id)

    def headers(self) -> Mapping[str, str]:
        headers: dict[str, str] = {}
        _W3C.inject(headers, set_span_in_context(self._span, Context()))
        return headers

    def set(self, name: str, value: str | int) -> None:
        self._span.set_attribute(name, value)

    def fail(self, error_type: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._span.set_attribute("error.type", error_type)
            self._span.set_status(StatusCode.ERROR)

    def end(self) -> None:
        self._span.end()


class OtelSpans:
    """The protocol `Spans` on a tracer of OpenTelemetry."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, kind: Kind, name: str, attributes: Attributes) -> OtelSpan:
        return OtelSpan(self._tracer.start_span(name, None, _KINDS[kind], attributes))

    @contextmanager
    def span(
        self, kind: Kind, name: str, attributes: Attributes, caller: Mapping[str, str] | None = None
    ) -> Iterator[OtelSpan]:
        parent = _W3C.extract(caller, Context()) if caller is not None else None
        inner = self._tracer.start_span(name, parent, _KINDS[kind], attributes)
        span = OtelSpan(inner)
        # OpenTelemetry's own idea of the current span too: spans that are made by other means find their parent.
        attached, current = attach(set_span_in_context(inner, parent)), current_span.set(span)
        try:
            yield span
        except BaseException as error:
            span.fail(type(error).__qualname__)
            raise
        finally:
            current_span.reset(current)
            detach(attached)
            inner.end()
