"""What the use cases need to tell others what happened: a record of it, and somebody who passes it on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.domain.errors import DomainError
from app.domain.model.events import DueEvent, Event, Failure, Lease, OutboxState
from app.ports.health import Resource


class EventLog(Protocol):
    """The events of a unit of work, which become visible together with what they tell of."""

    async def add(self, event: Event) -> None:
        """Record an event, after what it tells of was written: so the events of one post are in its order."""
        ...


class Outbox(Protocol):
    """The events that are not delivered yet. Every method may raise Unavailable, and the times come from the caller.

    What is told of an event after its delivery is about that event alone, and right whoever tells it: a relay that
    lost its lease in between has delivered it all the same.
    """

    async def due_shards(self, now: datetime) -> list[int]:
        """The shards that have an event due and that nobody holds."""
        ...

    async def lease(self, lease: Lease, now: datetime) -> bool:
        """Take a shard, if nobody holds it; of any number that try at once, one gets it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Let others have the shard, unless they have it already."""
        ...

    async def due(self, shard: int, now: datetime, limit: int) -> Sequence[DueEvent]:
        """The first events of a shard, in order, without those of posts that have an earlier one which is not due."""
        ...

    async def delivered(self, event_id: str) -> None:
        """Forget an event."""
        ...

    async def failed(self, event_id: str, failure: Failure) -> None:
        """Remember that delivering an event failed, unless it is delivered meanwhile."""
        ...

    async def state(self) -> OutboxState:
        """How much is left to do."""
        ...

    async def revive(self) -> int:
        """Make the dead events due again, as if they had never failed; how many."""
        ...


class EventRefused(DomainError):
    """The receiver answered that it doesn't take this event; it may take others."""

    code = "EVENT_REFUSED"


class EventPublisher(Resource, Protocol):
    """Passes events on."""

    async def publish(self, event: Event) -> None:
        """Return when the receiver has the event for good. Raises EventRefused.

        Raises Unavailable when the receiver isn't there, which no event is to blame for.
        """
        ...
