"""Several pools of one storage, by name: `primary` for everything, and `replica`, if there is one, for some reads."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

import stamina

from app.adapters.storage_errors import StorageRefused
from app.context import may_read_stale
from app.domain.errors import DeadlinePassed, Unavailable

logger = logging.getLogger(__name__)

P = TypeVar("P")
T = TypeVar("T")

PRIMARY, REPLICA = "primary", "replica"
AVOIDED_FOR = 5.0
"""Seconds for which a replica that failed is left alone."""
FAIR = 1.0
"""Seconds in which a replica that is well has answered."""


class NamedPools(Generic[P]):
    """The pools of one storage. Making it does no I/O; a storage that was not chosen has none."""

    def __init__(self, pools: Mapping[str, P]) -> None:
        self._pools = dict(pools)
        self._avoided_until = 0.0

    def all(self) -> list[P]:
        """Every pool, to be opened, closed and measured."""
        return list(self._pools.values())

    def each(self, change: Callable[[P], P]) -> "NamedPools[P]":
        """The same names, with what `change` makes of each pool."""
        return NamedPools({name: change(pool) for name, pool in self._pools.items()})

    def __getitem__(self, name: str) -> P:
        return self._pools[name]

    @property
    def primary(self) -> P:
        """Where everything is written, and read that must be current."""
        return self._pools[PRIMARY]

    def read_stale(self, read: Callable[[P], Awaitable[T]]) -> Awaitable[T]:
        """What `read` finds in the replica, which may lag behind; in the primary, where that would not do.

        That is: without a replica, outside of a request, after a write of this request, and for a while after the
        replica failed.
        """
        replica = self._pools.get(REPLICA)
        if replica is None or not may_read_stale() or time.monotonic() < self._avoided_until:
            return read(self.primary)
        return self._read_either(replica, read)

    async def _read_either(self, replica: P, read: Callable[[P], Awaitable[T]]) -> T:
        began = time.monotonic()
        try:
            return await read(replica)
        except DeadlinePassed:
            # A caller in a hurry doesn't have the replica avoided; one that hangs is, whatever ended the wait.
            if time.monotonic() - began >= FAIR:
                self._avoided_until = time.monotonic() + AVOIDED_FOR
            raise
        except Unavailable:
            self._avoided_until = time.monotonic() + AVOIDED_FOR
            return await read(self.primary)


async def open_within(seconds: float, connect: Callable[[], Awaitable[T]]) -> T:
    """What `connect` gives, tried again until it doesn't raise Unavailable any more; after `seconds`, that is raised.

    StorageRefused is raised at once.
    """
    async for attempt in stamina.retry_context(
        on=_may_pass, attempts=None, timeout=seconds, wait_initial=0.1, wait_max=1.0, wait_jitter=0.2
    ):
        with attempt:
            try:
                return await connect()
            except Unavailable as error:
                if attempt.num == 1 and _may_pass(error):
                    logger.warning("Trying again for %g s: %s", seconds, error)
                raise
    raise AssertionError("stamina ends its loop only by raising")


def _may_pass(error: Exception) -> bool:
    return isinstance(error, Unavailable) and not isinstance(error, StorageRefused)
