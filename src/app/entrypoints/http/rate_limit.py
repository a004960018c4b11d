"""How much one caller may ask for: a token bucket each, told in the headers of draft-ietf-httpapi-ratelimit-headers-10.

A bucket is kept as the moment at which it will be full again (the generic cell rate algorithm): one number a caller.
"""

import math
import socket
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Protocol

import attrs
from aiohttp import web

from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.response import header_line

CAPACITY = 50_000
_ROUNDING = 1e-9


@attrs.frozen
class RatePolicy:
    """What a caller may ask for: `burst` requests at once, and `per_second` of them for long."""

    per_second: float
    burst: int

    @property
    def window(self) -> float:
        """Seconds in which an empty bucket fills."""
        return self.burst / self.per_second


Taken = tuple[bool, float]
"""Whether there was a request in the bucket, and the seconds until it is full again (with a refused one counted in)."""


class RateLimiter(Protocol):
    """Keeps the buckets."""

    def take(self, caller: str) -> Taken | Awaitable[Taken]:
        """Take one request out of the caller's bucket, if there is one in it.

        What is raised instead, when the buckets cannot be had, is the answer. Who need not wait for the buckets gives
        the answer itself: an awaitable for each request would cost more than the count.
        """
        ...


class TokenBuckets:
    """The buckets of this process, those of the latest 50,000 callers at least and twice as many at most.

    They lie in two generations: when the younger one is full, the older one, whose callers have not come back
    meanwhile, is dropped.
    """

    def __init__(
        self, policy: RatePolicy, clock: Callable[[], float] = time.monotonic, capacity: int = CAPACITY
    ) -> None:
        self._cost = 1 / policy.per_second
        self._window = policy.window + _ROUNDING
        self._clock = clock
        self._capacity = capacity
        self._young: dict[str, float] = {}
        self._old: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def take(self, caller: str) -> Taken:
        """Take one request out of the caller's bucket, as RateLimiter says."""
        now = self._clock()
        full_at = self._young.get(caller)
        if full_at is None:
            full_at = self._recalled(caller, now)
        used = self._cost + (full_at - now if full_at > now else 0.0)
        if used > self._window:
            return False, used
        self._young[caller] = now + used
        return True, used

    def _recalled(self, caller: str, now: float) -> float:
        """The bucket of a caller that is not in the younger generation, and from now on is."""
        full_at = self._old.get(caller, now)
        if len(self._young) >= self._capacity:
            self._old, self._young = self._young, {}
        self._young[caller] = full_at
        return full_at


class TooManyRequests(HttpError):
    """The caller's bucket is empty (429)."""

    def __init__(self, seconds: int, headers: dict[str, str]) -> None:
        super().__init__(
            429,
            "TOO_MANY_REQUESTS",
            f"You send more requests than you may. Try again in {seconds} s.",
            headers={"Retry-After": str(seconds), **headers},
        )


class Meter:
    """Lets callers in as long as their buckets have something in them, and tells them how much."""

    def __init__(self, limiter: RateLimiter, policy: RatePolicy) -> None:
        self._take = limiter.take
        self._rate = policy.per_second
        self._burst = policy.burst
        self._window = policy.window
        self._policy = f'"default";q={policy.burst};w={math.ceil(policy.window)}'
        self._lines_for = lru_cache(1024)(self._make_lines)

    async def admit(self, caller: str) -> str:
        """The header lines that tell what is left; raises TooManyRequests when nothing was."""
        taken = self._take(caller)
        return self._told(taken if isinstance(taken, tuple) else await taken)

    async def admit_address(self, request: web.Request) -> str:
        """The same for a caller of whom only the address is known."""
        return await self.admit(by_address(request.remote))

    def admit_address_now(self, request: web.Request) -> str | Awaitable[str]:
        """The same, and the lines at once where the buckets are at hand: most requests come this way."""
        taken = self._take(by_address(request.remote))
        return self._told(taken) if isinstance(taken, tuple) else self._told_later(taken)

    async def _told_later(self, taken: Awaitable[Taken]) -> str:
        return self._told(await taken)

    def _told(self, taken: Taken) -> str:
        is_allowed, used = taken
        if is_allowed:
            return self._lines_for(int((self._window - used) * self._rate + _ROUNDING))
        wait = max(1, math.ceil(used - self._window))
        raise TooManyRequests(wait, {"RateLimit": self._state(0), "RateLimit-Policy": self._policy})

    def _make_lines(self, left: int) -> str:
        return header_line("RateLimit", self._state(left)) + header_line("RateLimit-Policy", self._policy)

    def _state(self, left: int) -> str:
        return f'"default";r={left};t={math.ceil((self._burst - left) / self._rate)}'


def by_subject(subject: str) -> str:
    """The caller that a token names."""
    return "subject:" + subject


def by_address(remote: str | None) -> str:
    """The caller of whom only the address is known: an IPv4 address, or the network that one IPv6 customer gets."""
    if remote is None or ":" not in remote:
        return f"address:{remote}"
    if remote.startswith("::ffff:"):
        return f"address:{remote[7:]}"
    network = socket.inet_pton(socket.AF_INET6, remote.partition("%")[0])[:8]
    return f"address:{network.hex()}"
