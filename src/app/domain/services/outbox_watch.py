"""What one of all relays does for the others: it counts what is left to do, and removes what nobody needs any more."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from app.domain.errors import Unavailable
from app.domain.model.events import WATCH, Lease, OutboxState
from app.domain.services.idempotency import IdempotencyService
from app.ports.events import Outbox

TURN = 10.0
"""Seconds for which one of them has the watch."""
RENEWED = 5.0
"""Seconds of its turn that are left when it begins another one, so that what it knows is told without a gap."""


class OutboxWatch:
    """Knows how much is left to do, in one relay at a time: so the sum over all is right."""

    def __init__(self, outbox: Outbox, keys: IdempotencyService, now: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._keys = keys
        self._now = now
        self._lease: Lease | None = None
        self._state: OutboxState | None = None

    def state(self) -> tuple[OutboxState, float] | None:
        """What is left to do, and the age of the oldest event in seconds; None where another relay has the watch."""
        if self._state is None or not self._has_watch():
            return None
        oldest = self._state.oldest
        return self._state, max(0.0, (self._now() - oldest).total_seconds()) if oldest is not None else 0.0

    async def look(self) -> None:
        """Take the watch if nobody has it; then count, and remove old idempotency keys. Raises Unavailable."""
        now, before = self._now(), self._lease
        if before is not None:
            if now + timedelta(seconds=RENEWED) < before.until:
                return
            await self._outbox.release(before)
        lease = Lease(WATCH, secrets.token_hex(16), now + timedelta(seconds=TURN))
        if await self._outbox.lease(lease, now):
            self._state = await self._outbox.state()
            self._lease = lease
            await self._keys.purge(steps=1)
        else:
            self._lease = None

    async def end(self) -> None:
        """Leave the watch to others."""
        lease, self._lease = self._lease, None
        if lease is not None:
            with suppress(Unavailable):
                await self._outbox.release(lease)

    def _has_watch(self) -> bool:
        return self._lease is not None and self._now() < self._lease.until
