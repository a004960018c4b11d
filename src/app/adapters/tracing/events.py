"""Spans of events that are passed on (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/)."""

from app.domain.model.events import Event
from app.ports.events import EventPublisher
from app.tracing import Kind, Spans


class TracedPublisher:
    """The port `EventPublisher`, which begins a trace for each event and leaves the rest to `publisher`."""

    def __init__(self, publisher: EventPublisher, system: str, spans: Spans) -> None:
        self._publisher = publisher
        self._system = system
        self._spans = spans

    async def open(self) -> None:
        await self._publisher.open()

    async def close(self) -> None:
        await self._publisher.close()

    async def publish(self, event: Event) -> None:
        told = {
            "messaging.system": self._system,
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": event.type.value,
            "messaging.message.id": event.id,
        }
        with self._spans.span(Kind.PRODUCER, f"publish {event.type.value}", told):
            await self._publisher.publish(event)
