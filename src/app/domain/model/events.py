"""What happened to posts, for others to learn of: each event is told at least once, and those of one post in order."""

import enum
import secrets
import uuid
from datetime import datetime

import attrs

from app.domain.model.posts import Post, milliseconds

SHARDS = 16
"""The parts in which events are delivered; all events of one post are in the same."""
WATCH = SHARDS
"""What is leased like a shard by the one relay that looks after things for all."""


class EventType(enum.StrEnum):
    """What can happen."""

    PUBLISHED = "post.published"
    EDITED = "post.edited"
    REMOVED = "post.removed"


@attrs.frozen
class Event:
    """Something that happened. `id` is a UUID that rises with time; whoever is told twice knows it by that."""

    id: str
    type: EventType
    post_id: int
    occurred_at: datetime
    payload: dict[str, object]

    @property
    def shard(self) -> int:
        """The part that it is delivered in."""
        return self.post_id % SHARDS


def post_published(post: Post, now: datetime) -> Event:
    """For a post that is new."""
    return Event(event_id(now), EventType.PUBLISHED, post.id, now, {"title": post.title, "version": post.version})


def post_edited(post: Post, now: datetime) -> Event:
    """For a post as it is from now on."""
    return Event(event_id(now), EventType.EDITED, post.id, now, {"title": post.title, "version": post.version})


def post_removed(post_id: int, now: datetime) -> Event:
    """For a post that is no more."""
    return Event(event_id(now), EventType.REMOVED, post_id, now, {})


def event_id(now: datetime) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): milliseconds since 1970, then chance."""
    chance = secrets.randbits(74)
    value = milliseconds(now) << 80 | 7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | (chance & (1 << 62) - 1)
    return str(uuid.UUID(int=value))


@attrs.frozen
class DueEvent:
    """An event to be delivered, and how often that failed before."""

    event: Event
    failures: int = 0


@attrs.frozen
class Failure:
    """A delivery that failed: how many there were now, why, and when the next one is due; None: never, it is dead."""

    failures: int
    reason: str
    due_at: datetime | None


@attrs.frozen
class Lease:
    """The right to deliver a shard's events until then; `token` tells its holder from the next."""

    shard: int
    token: str
    until: datetime


@attrs.frozen
class OutboxState:
    """How many events wait to be delivered, since when the oldest does, and how many are dead."""

    pending: int
    oldest: datetime | None
    dead: int
