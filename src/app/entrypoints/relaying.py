"""The relay of events at work: inside the service, or as a command of its own."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.adapters.events.log import LogPublisher
from app.adapters.events.nats import NatsPublisher
from app.adapters.events.settings import EventSettings
from app.adapters.events.webhook import WebhookPublisher
from app.domain.errors import Unavailable
from app.domain.services.outbox_watch import OutboxWatch
from app.domain.services.relay import EventRelay, RelayRules
from app.ports.events import EventPublisher
from app.ports.migrations import SchemaCheck

logger = logging.getLogger(__name__)

_UNKNOWN = "the relay failed in an unexpected way"
LONGEST_PAUSE = 30.0
"""Seconds between two looks at most, while storage or receiver are away."""


def make_publisher(events: EventSettings) -> EventPublisher:
    """Who receives events."""
    if events.publisher == "webhook":
        return WebhookPublisher(events.webhook, events.publish_timeout)
    if events.publisher == "nats":
        return NatsPublisher(events.nats, events.publish_timeout)
    return LogPublisher()


def relay_rules(events: EventSettings) -> RelayRules:
    """How events are passed on."""
    return RelayRules(
        batch=events.batch,
        lease=events.lease,
        publish_timeout=events.publish_timeout,
        attempts=events.attempts,
        longest_pause=events.longest_pause,
    )


def if_wanted(wanted: bool, make: "Callable[[], RelayLoop]") -> "RelayLoop | None":
    """The relay, where it is to work inside of the service."""
    return make() if wanted else None


class RelayLoop:
    """Passes events on in the background. A resource, to be opened after the storage's pools."""

    def __init__(
        self,
        relay: EventRelay,
        watch: OutboxWatch,
        publisher: EventPublisher,
        schema: SchemaCheck,
        interval: float,
    ) -> None:
        self._relay = relay
        self._watch = watch
        self._publisher = publisher
        self._schema = schema
        self._interval = interval
        self._problem: str | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin."""
        await self._publisher.open()
        self._task = asyncio.create_task(self._run(), name="relay")

    async def close(self) -> None:
        """Stop in the middle of an event, if need be: it will be delivered again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self._watch.end()
        await self._publisher.close()

    async def _run(self) -> None:
        pause = self._interval
        while True:
            problem = await self._turn()
            if problem != self._problem:
                logger.warning("No events are passed on: %s", problem) if problem else logger.info("Events go on.")
            self._problem = problem
            pause = self._interval if problem is None else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _turn(self) -> str | None:
        """Deliver until nothing is due; what keeps events from being delivered, if anything does."""
        try:
            await self._watch.look()
            while await self._relay.step():
                await self._watch.look()
        except Unavailable as error:
            return await self._missing() or error.message
        except Exception:
            # It goes on: a relay that ended would leave its events to nobody.
            if self._problem != _UNKNOWN:
                logger.exception("The relay failed in an unexpected way.")
            return _UNKNOWN
        return None

    async def _missing(self) -> str | None:
        """The migrations that were not run, if that is what keeps it."""
        with suppress(Unavailable):
            missing = await self._schema.missing()
            return f"run the migrations: {', '.join(missing)}" if missing else None
        return None


class RelayMetrics(Collector):
    """What the relay of this process did, and, where it has the watch, what is left to do."""

    def __init__(self, registry: CollectorRegistry, relay: EventRelay, watch: OutboxWatch) -> None:
        self._relay = relay
        self._watch = watch
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        counts = self._relay.counts
        yield CounterMetricFamily("events_delivered", "Events that a receiver has.", counts.delivered)
        yield CounterMetricFamily("events_failed", "Deliveries that failed.", counts.failed)
        yield CounterMetricFamily("events_died", "Events that were given up.", counts.died)
        found = self._watch.state()
        if found is not None:
            state, age = found
            yield GaugeMetricFamily("outbox_pending", "Events to be delivered.", state.pending)
            yield GaugeMetricFamily("outbox_oldest_age_seconds", "Age of the oldest of them.", age)
            yield GaugeMetricFamily("outbox_dead", "Events that were given up and are kept.", state.dead)
