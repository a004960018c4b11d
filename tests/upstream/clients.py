"""A client of an upstream, for tests."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import attrs
from prometheus_client import CollectorRegistry

from app.adapters.http.call import Call
from app.adapters.http.client import HttpClient
from app.adapters.http.fixed import FixedUpstream
from app.adapters.http.metrics import UpstreamMetrics
from app.adapters.http.settings import ClientSettings
from app.adapters.http.upstream import Upstream
from app.context import RequestContext, current_request


@attrs.frozen
class Named:
    """What the calls of these tests ask for."""

    name: str


GET = Call("get_name", Named, ("names", "1"))
POST = attrs.evolve(GET, method="POST", body={"name": "new"})


@attrs.frozen
class Outbound:
    """A client that is open, and what it counted."""

    http: HttpClient
    registry: CollectorRegistry

    async def send(self, call: "Call[Named]" = GET) -> Named:
        return await self.http.send(call)

    def count(self, sample: str, **labels: str) -> float:
        """The value of a metric of this upstream; 0 where there is none."""
        return self.registry.get_sample_value(sample, {"upstream": "upstream", **labels}) or 0.0


@asynccontextmanager
async def outbound(url_or_upstream: str | Upstream, **settings: Any) -> AsyncIterator[Outbound]:
    """A client with these settings; without any, it waits long for an answer, and not at all before a retry."""
    where = FixedUpstream(url_or_upstream) if isinstance(url_or_upstream, str) else url_or_upstream
    registry = CollectorRegistry()
    patient = {"timeout": 60, "attempt_timeout": 20, "connect_timeout": 10, "retry_wait": 0.001}
    given = ClientSettings(**{**patient, **settings})
    client = HttpClient("upstream", given, where, UpstreamMetrics(registry))
    await client.open()
    try:
        yield Outbound(client, registry)
    finally:
        await client.close()


@contextmanager
def in_a_request(seconds: float = 5.0, traceparent: str | None = None) -> Iterator[None]:
    """Be within a request that has so many seconds left."""
    deadline = asyncio.get_running_loop().time() + seconds
    token = current_request.set(RequestContext("the-id", deadline, traceparent=traceparent))
    try:
        yield
    finally:
        current_request.reset(token)
