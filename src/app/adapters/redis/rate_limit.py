"""Rate limits counted in Redis, so that all workers of all machines count together."""

import asyncio
import logging
from collections.abc import Callable

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.adapters.redis.settings import RateLimitSettings
from app.domain.errors import Unavailable

logger = logging.getLogger(__name__)

Take = Callable[[str], tuple[bool, float]]

CONNECTIONS = 32
AVOIDED_FOR = 1.0
"""Seconds for which a Redis that failed is left alone, so that not every request waits for it."""

# Times in microseconds, on Redis' own clock. A bucket is the moment at which it will be full again.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = tonumber(redis.call('GET', KEYS[1]) or now)
local used = math.max(full_at - now, 0) + tonumber(ARGV[1])
if used > tonumber(ARGV[2]) then
  return {0, used}
end
redis.call('SET', KEYS[1], string.format('%.0f', now + used), 'PX', math.ceil(used / 1000))
return {1, used}
"""


class RedisTokenBuckets:
    """A token bucket for each caller, taken from in one atomic step. A resource; the service starts without Redis too.

    While Redis is away `fallback` is asked; without one, `take` raises Unavailable.
    """

    def __init__(self, settings: RateLimitSettings, namespace: str, fallback: Take | None) -> None:
        if settings.redis is None or settings.per_second is None:
            raise ValueError("Counting in Redis needs its address and a limit.")
        self._where = f"APP_RATE_LIMIT__REDIS: {settings.redis}"
        self._prefix = f"{namespace}:rate-limit:"
        self._timeout = settings.redis_timeout
        self._fallback = fallback
        cost = round(1_000_000 / settings.per_second)
        self._amounts = (cost, cost * settings.burst)
        pool = BlockingConnectionPool.from_url(
            settings.redis.reveal(),
            max_connections=CONNECTIONS,
            timeout=self._timeout,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            retry=Retry(NoBackoff(), 0),
        )
        self._client = Redis(connection_pool=pool)
        self._script = self._client.register_script(SCRIPT)
        self._avoided_until = 0.0
        self._is_away = False

    async def open(self) -> None:
        """Find out whether Redis is there, which is logged if it isn't."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._client.ping()
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    async def take(self, caller: str) -> tuple[bool, float]:
        """Take one request out of the caller's bucket, if there is one in it, as `RateLimiter` says."""
        if asyncio.get_running_loop().time() < self._avoided_until:
            return await self._take_elsewhere(caller)
        try:
            async with asyncio.timeout(self._timeout):
                is_allowed, used = await self._script(keys=[self._prefix + caller], args=self._amounts)
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
            return await self._take_elsewhere(caller)
        if self._is_away:
            self._is_away = False
            logger.info("Redis counts requests again.")
        return bool(is_allowed), used / 1_000_000

    async def _take_elsewhere(self, caller: str) -> tuple[bool, float]:
        if self._fallback is None:
            raise Unavailable("The service cannot count requests now. Try again later.")
        return self._fallback(caller)

    def _note_failure(self, error: Exception) -> None:
        self._avoided_until = asyncio.get_running_loop().time() + AVOIDED_FOR
        if not self._is_away:
            self._is_away = True
            instead = "requests are refused" if self._fallback is None else "each worker counts for itself"
            why = str(error) or type(error).__name__
            logger.warning("Redis cannot count requests: %s. Check %s (%s).", instead, self._where, why)
