"""The healthy instances of a service, as Consul knows them, for a client that names the service in place of a URL."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from app.adapters.consul.balancing import Attempt, Balancer
from app.adapters.consul.client import Address, ConsulClient
from app.adapters.consul.following import Follower
from app.adapters.consul.transport import ConsulError

logger = logging.getLogger(__name__)

FIRST_ANSWER = 3.0
"""Seconds that the start waits for the first list."""
DOUBT = 30.0
"""Seconds for which an empty list is not believed of a Consul that lost its state: the instances register again."""


class Discovery:
    """An upstream whose instances come from Consul. A resource.

    While Consul is away, the last known instances are used. Nobody waits for Consul but the start.
    """

    def __init__(self, client: ConsulClient, service: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self._balancer = Balancer(service, clock)
        self._clock = clock
        self._doubted_until = 0.0
        self._answered = asyncio.Event()
        self._stale = True
        self._follower = Follower(f"discovery of {service}", lambda index: client.healthy(service, index), self)

    @property
    def known(self) -> int:
        """How many healthy instances there are."""
        return self._balancer.known

    @property
    def ejected(self) -> int:
        """How many of them are left out for a while, for their failures."""
        return self._balancer.ejected

    @property
    def stale(self) -> bool:
        """Whether the instances are those that Consul told of before it stopped answering."""
        return self._stale

    async def open(self) -> None:
        """Begin to follow; a Consul that is away now doesn't keep the service from starting."""
        self._follower.start()
        try:
            async with asyncio.timeout(FIRST_ANSWER):
                await self._answered.wait()
        except TimeoutError:
            logger.warning("Started without knowing an instance of %s: Consul does not answer.", self.service)

    async def close(self) -> None:
        """Follow no longer."""
        await self._follower.stop()

    def pick(self) -> AbstractContextManager[Attempt]:
        """An instance for one attempt; raises Unavailable when none is healthy."""
        return self._balancer.pick()

    async def told(self, value: list[Address], *, lost: bool) -> None:
        """Take over the instances."""
        now = self._clock()
        if lost:
            self._doubted_until = now + DOUBT
        if not value and now < self._doubted_until:
            logger.warning("Consul lost its state; the last known instances of %s are used.", self.service)
        else:
            self._balancer.replace(value)
        self._heard(stale=False)

    def unanswered(self, error: ConsulError) -> None:
        """Go on with the instances known."""
        if not self._stale or not self._answered.is_set():
            logger.warning("The last known instances of %s are used: %s", self.service, error)
        self._heard(stale=True)

    def _heard(self, *, stale: bool) -> None:
        self._stale = stale
        self._answered.set()
