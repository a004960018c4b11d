"""Passing events on: at least once, those of one post in order, shared among any number of relays."""

import asyncio
import logging
import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import attrs

from app.domain.errors import Unavailable
from app.domain.model.events import DueEvent, Failure, Lease
from app.ports.events import EventPublisher, EventRefused, Outbox

logger = logging.getLogger(__name__)

REASON_MAX = 500
GRACE = 1.0
"""Seconds after its own limit until a publisher is cut off."""


@attrs.frozen
class RelayRules:
    """How events are passed on. Times are seconds.

    `batch` events of one shard at most are taken at a time, under a lease of `lease`; one may take `publish_timeout`.
    An event that fails is tried again after `first_pause`, then after twice that, up to `longest_pause`, and is dead
    after `attempts`.
    """

    batch: int = 100
    lease: float = 30.0
    publish_timeout: float = 5.0
    attempts: int = 20
    first_pause: float = 1.0
    longest_pause: float = 300.0


@attrs.define
class RelayCounts:
    """What a relay did since its start."""

    delivered: int = 0
    failed: int = 0
    died: int = 0


class EventRelay:
    """Takes the events of one shard after the other, those that no other relay has."""

    def __init__(
        self, outbox: Outbox, publisher: EventPublisher, now: Callable[[], datetime], rules: RelayRules
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._now = now
        self._rules = rules
        self.counts = RelayCounts()

    async def step(self) -> int:
        """Deliver what is due now, a batch of each shard; how many. Raises Unavailable, of storage or receiver."""
        before = self.counts.delivered
        shards = await self._outbox.due_shards(self._now())
        # So that relays which start together don't run after each other from shard to shard.
        random.shuffle(shards)
        for shard in shards:
            now = self._now()
            lease = Lease(shard, secrets.token_hex(16), now + timedelta(seconds=self._rules.lease))
            if await self._outbox.lease(lease, now):
                try:
                    await self._deliver(lease)
                finally:
                    # Who can't give it back lets it run out.
                    with suppress(Unavailable):
                        await self._outbox.release(lease)
        return self.counts.delivered - before

    async def _deliver(self, lease: Lease) -> None:
        last_start = lease.until - timedelta(seconds=self._rules.publish_timeout + GRACE)
        held_up: set[int] = set()
        for due in await self._outbox.due(lease.shard, self._now(), self._rules.batch):
            if self._now() >= last_start:
                return
            if due.event.post_id in held_up:
                continue
            reason = await self._publish(due)
            if reason is None:
                await self._outbox.delivered(due.event.id)
                self.counts.delivered += 1
            else:
                held_up.add(due.event.post_id)
                await self._outbox.failed(due.event.id, self._failure(due, reason))

    async def _publish(self, due: DueEvent) -> str | None:
        """Why it was not delivered, None if it was."""
        try:
            async with asyncio.timeout(self._rules.publish_timeout + GRACE):
                await self._publisher.publish(due.event)
        except EventRefused as error:
            return error.message[:REASON_MAX]
        except TimeoutError:
            return "The receiver took too long."
        except Unavailable:
            raise
        except Exception as error:
            # That event's failure: raised, it would keep all others from being delivered.
            logger.exception("The publisher can't cope with event %s.", due.event.id)
            return f"The publisher can't cope with it ({type(error).__name__})."
        return None

    def _failure(self, due: DueEvent, reason: str) -> Failure:
        failures = due.failures + 1
        self.counts.failed += 1
        if failures >= self._rules.attempts:
            self.counts.died += 1
            logger.error("Event %s is given up after %d attempts: %s", due.event.id, failures, reason)
            return Failure(failures, reason, None)
        logger.warning("Event %s was not delivered, attempt %d: %s", due.event.id, failures, reason)
        pause = min(self._rules.first_pause * 2.0 ** min(due.failures, 30), self._rules.longest_pause)
        return Failure(failures, reason, self._now() + timedelta(seconds=pause))
