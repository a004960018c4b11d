"""A client of another service that stays well when the service is not.

From the outside in: bulkhead, breaker, retries, the time of an attempt, the call. docs/decisions tells why.
"""

import asyncio
import logging
from typing import TypeVar

import aiohttp
import msgspec
import stamina

from app.adapters.http.answers import read_answer
from app.adapters.http.breaker import Breaker
from app.adapters.http.bulkhead import Bulkhead
from app.adapters.http.call import Call
from app.adapters.http.errors import CallRefused, OutOfTime, UpstreamFailed, UpstreamTimeout
from app.adapters.http.exchange import Outgoing, exchange, sent_once
from app.adapters.http.headers import constant_headers, passing_headers
from app.adapters.http.metrics import UpstreamMetrics
from app.adapters.http.parameters import path_of, query_of
from app.adapters.http.retry import Retries, RetryBudget
from app.adapters.http.settings import ClientSettings
from app.adapters.http.upstream import Upstream
from app.context import remaining
from app.domain.errors import Unavailable

T = TypeVar("T")

logger = logging.getLogger(__name__)


class HttpClient:
    """Calls of one upstream, over one session. A resource; making it does no I/O."""

    def __init__(self, name: str, settings: ClientSettings, upstream: Upstream, metrics: UpstreamMetrics) -> None:
        self.name = name
        self._settings = settings
        self._upstream = upstream
        self._metrics = metrics
        self._headers = constant_headers(settings)
        self._bulkhead = Bulkhead(name, settings.concurrency)
        self._breaker = Breaker(name, settings)
        self._budget = RetryBudget(settings.retry_budget)
        self._middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = (sent_once,)
        self._session: aiohttp.ClientSession | None = None
        metrics.watch_breaker(name, lambda: self._breaker.state == "closed")

    def pass_through(self, middleware: aiohttp.ClientMiddlewareType) -> None:
        """Send every request through `middleware` as well; to be said before the client is opened."""
        self._middlewares += (middleware,)

    def apply(self, settings: ClientSettings) -> None:
        """Go on with these limits, times and thresholds; address and credentials stay what they were at the start."""
        self._settings = settings
        self._bulkhead.limit = settings.concurrency
        self._breaker.settings = settings
        self._budget.per_call = settings.retry_budget

    async def open(self) -> None:
        """Make the session. The upstream is not asked: the service starts without it."""
        self._session = aiohttp.ClientSession(
            # The bulkhead counts calls; waiting for a connection as well would be waiting without being counted.
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=self._middlewares,
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, call: Call[T]) -> T:
        """The answer to a call, within what is left of the request's time.

        Raises UpstreamMissing for what isn't there, and Unavailable, of a kind of errors.py, for all that goes wrong.
        """
        target = path_of(call.path)
        if call.parameters:
            target += f"?{query_of(call.parameters)}"
        with self._metrics.call(self.name, call.operation), self._bulkhead.place(), self._breaker.passage():
            end = asyncio.get_running_loop().time() + remaining(self._settings.timeout)
            retries = Retries(self._settings, self._budget, end)
            if not call.is_repeatable:
                return await self._attempt(call, target, end)
            async for attempt in stamina.retry_context(on=retries, attempts=None, timeout=None):
                with attempt:
                    return await self._attempt(call, target, end)
        raise AssertionError("stamina ends its loop only by raising")

    async def _attempt(self, call: Call[T], target: str, end: float) -> T:
        seconds = min(self._settings.attempt_timeout, end - asyncio.get_running_loop().time())
        with self._upstream.pick() as instance:
            self._metrics.attempt(self.name, call.operation)
            try:
                return await self._timed(call, instance.url.rstrip("/") + target, seconds)
            except UpstreamFailed as error:
                logger.warning("%s, %s: %s", self.name, call.operation, error.detail)
                if error.is_of_instance:
                    instance.failed()
                raise
            except CallRefused as error:
                logger.error("%s, %s: check our request and credentials: %s", self.name, call.operation, error)
                raise

    async def _timed(self, call: Call[T], url: str, seconds: float) -> T:
        if self._session is None:
            raise Unavailable(f"The client of {self.name} is not open.")
        times = aiohttp.ClientTimeout(total=None, connect=self._settings.connect_timeout)
        headers = self._headers | passing_headers(seconds)
        body = None
        if call.body is not None:
            body, headers["Content-Type"] = msgspec.json.encode(call.body), "application/json"
        if call.idempotency_key is not None:
            headers["Idempotency-Key"] = call.idempotency_key
        try:
            async with asyncio.timeout(seconds):
                outgoing = Outgoing(self.name, call.method, url, headers, body)
                incoming = await exchange(self._session, outgoing, self._settings.body_limit, times)
        except TimeoutError as error:
            if seconds < self._settings.attempt_timeout / 2:
                raise OutOfTime(f"There was no time left for {self.name}. Try again later.") from error
            raise UpstreamTimeout(
                f"{self.name} took too long. Try again later.", f"no answer in {seconds:.3f} s"
            ) from error
        return read_answer(self.name, call, incoming)
