"""Where spans go: in batches, by a thread of their own, to a collector that requests never wait for."""

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import attrs
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased

from app.adapters.tracing.settings import TracingSettings
from app.adapters.tracing.spans import OtelSpans

logger = logging.getLogger(__name__)

FLUSH_TIMEOUT = 3.0
"""Seconds that the last spans get at the end; less than a resource has to close."""


@attrs.frozen
class ServiceInfo:
    """Whose spans they are."""

    name: str
    version: str
    environment: str


class OtelTracing(OtelSpans):
    """Makes spans, from the start, and sends them while it is open. A resource; `processor` makes what takes them."""

    def __init__(
        self, settings: TracingSettings, service: ServiceInfo, processor: Callable[[], SpanProcessor] | None = None
    ) -> None:
        self._provider = TracerProvider(
            sampler=_sampler(settings), resource=_resource(settings, service), shutdown_on_exit=False
        )
        self._make_processor = processor or (lambda: BatchSpanProcessor(ToldOnce(_exporter(settings))))
        self._is_open = False
        super().__init__(self._provider.get_tracer("app", service.version))

    async def open(self) -> None:
        """Begin to send. The collector is not asked: the service starts without it."""
        self._provider.add_span_processor(self._make_processor())
        self._is_open = True

    async def close(self) -> None:
        """Send what is left, for a few seconds at most, and stop."""
        if not self._is_open:
            return
        self._is_open = False
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # so that nobody can cancel it: the thread goes on

        def shut_down() -> None:
            self._provider.shutdown()
            done.set_result(None)

        # A daemon, unlike the threads of a pool: a collector that hangs doesn't keep the process from ending.
        threading.Thread(target=shut_down, name="last spans", daemon=True).start()
        ended, _ = await asyncio.wait({asyncio.wrap_future(done)}, timeout=FLUSH_TIMEOUT)
        if not ended:
            logger.warning("The last spans could not be sent within %g s.", FLUSH_TIMEOUT)


class ToldOnce(SpanExporter):
    """Says in the log when an outage of the collector begins and when it is over, not every few seconds."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        is_away = result is not SpanExportResult.SUCCESS
        if is_away and not self._is_away:
            logger.warning("The collector takes no spans; they are lost until it does. Check APP_TRACING__ENDPOINT.")
        elif self._is_away and not is_away:
            logger.info("The collector takes spans again.")
        self._is_away = is_away
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def _exporter(settings: TracingSettings) -> SpanExporter:
    if settings.endpoint is None:
        return OTLPSpanExporter()
    return OTLPSpanExporter(endpoint=f"{settings.endpoint.rstrip('/')}/v1/traces")


def _sampler(settings: TracingSettings) -> Sampler | None:
    """A caller's decision holds for its whole trace; None leaves it to OTEL_TRACES_SAMPLER."""
    return ParentBased(TraceIdRatioBased(settings.sample_ratio)) if settings.sample_ratio is not None else None


def _resource(settings: TracingSettings, service: ServiceInfo) -> Resource:
    """What all spans of this process say (https://opentelemetry.io/docs/specs/semconv/resource/)."""
    detected = Resource.create().attributes
    named = str(detected["service.name"])
    return Resource.create(
        {
            "service.name": settings.service_name or (service.name if named.startswith("unknown_service") else named),
            "service.version": service.version,
            "service.instance.id": str(detected.get("service.instance.id") or uuid.uuid4()),
            "deployment.environment.name": service.environment,
        }
    )
