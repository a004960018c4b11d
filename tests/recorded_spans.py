"""Spans that stay in memory, to be looked at."""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

from app.adapters.tracing.provider import OtelTracing, ServiceInfo
from app.adapters.tracing.settings import TracingSettings

TRACE_ID, CALLER_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE_ID}-{CALLER_ID}-01"


class RecordedSpans(OtelTracing):
    """Tracing whose spans are kept."""

    def __init__(self, **settings: Any) -> None:
        self._kept = InMemorySpanExporter()
        super().__init__(
            TracingSettings(enabled=True, **settings),
            ServiceInfo("service", "1.0", "test"),
            lambda: SimpleSpanProcessor(self._kept),
        )

    @property
    def ended(self) -> list[ReadableSpan]:
        """Those that ended, in that order."""
        return list(self._kept.get_finished_spans())

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.ended]

    def named(self, name: str) -> ReadableSpan:
        """The one of this name."""
        (found,) = [span for span in self.ended if span.name == name]
        return found


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return format_trace_id(span.context.trace_id)


def id_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return format_span_id(span.context.span_id)


def parent_of(span: ReadableSpan) -> str | None:
    return format_span_id(span.parent.span_id) if span.parent is not None else None


def told_of(span: ReadableSpan) -> dict[str, Any]:
    """Its attributes."""
    return dict(span.attributes or {})
