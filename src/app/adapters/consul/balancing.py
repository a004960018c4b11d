"""Chooses an instance for each call: the less busy one of two taken at random, and none that keeps failing."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from app.adapters.consul.client import Address
from app.domain.errors import Unavailable

FAILURES = 3
"""So many failures in a row, and an instance is left out."""
EJECTION = 10.0
"""Seconds that it is left out; twice as long each time that it happens again at once, up to the longest."""
LONGEST_EJECTION = 160.0


class KnownInstance:
    """An instance, the calls that it is busy with, and how it has been doing."""

    def __init__(self, address: Address, clock: Callable[[], float]) -> None:
        self.address = address
        self.url = address.url
        self.in_flight = 0
        self._clock = clock
        self._failures = 0
        self._ejections = 0
        self._back_at = 0.0

    @property
    def ejected(self) -> bool:
        """Whether it is to be left out now."""
        return self._clock() < self._back_at

    def failed(self) -> None:
        """Count a failed attempt against it."""
        self._failures += 1
        if self._failures >= FAILURES and not self.ejected:
            self._back_at = self._clock() + min(EJECTION * 2**self._ejections, LONGEST_EJECTION)
            self._ejections = min(self._ejections + 1, 10)
            self._failures = FAILURES - 1  # back again, one more failure is enough

    def succeeded(self) -> None:
        """Forget the failures before."""
        self._failures = self._ejections = 0


class Attempt:
    """One call to an instance."""

    def __init__(self, instance: KnownInstance) -> None:
        self._instance = instance
        self.url = instance.url
        self.has_failed = False

    def failed(self) -> None:
        """Count against the instance, once."""
        if not self.has_failed:
            self.has_failed = True
            self._instance.failed()


class Balancer:
    """The instances of one service, and whose turn it is. The calls are spread by power of two choices."""

    def __init__(self, service: str, clock: Callable[[], float]) -> None:
        self._service = service
        self._clock = clock
        self._instances: list[KnownInstance] = []

    @property
    def known(self) -> int:
        """How many instances there are."""
        return len(self._instances)

    @property
    def ejected(self) -> int:
        """How many of them are left out for their failures."""
        return sum(instance.ejected for instance in self._instances)

    def replace(self, addresses: Sequence[Address]) -> None:
        """The instances are these now; those that were there before keep what is known of them."""
        before = {instance.address: instance for instance in self._instances}
        self._instances = [before.get(address) or KnownInstance(address, self._clock) for address in addresses]

    @contextmanager
    def pick(self) -> Iterator[Attempt]:
        """An instance for one attempt; raises Unavailable when there is none."""
        instance = self._choose()
        attempt = Attempt(instance)
        instance.in_flight += 1
        try:
            yield attempt
            if not attempt.has_failed:
                instance.succeeded()
        finally:
            instance.in_flight -= 1

    def _choose(self) -> KnownInstance:
        usable = [instance for instance in self._instances if not instance.ejected]
        if 2 * len(usable) < len(self._instances):
            # When most fail, the fault is hardly theirs; and the few others could not carry it all.
            usable = self._instances
        if not usable:
            raise Unavailable(f"No instance of {self._service} is healthy. Try again later.")
        pair = random.sample(usable, min(2, len(usable)))
        return min(pair, key=lambda instance: instance.in_flight)
