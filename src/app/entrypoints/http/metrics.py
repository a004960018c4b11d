"""Counts requests by route template, method and status: plain integers while serving, Prometheus families when read.

A labelled Prometheus child takes a lock and a few dictionary look-ups for each update; a request needs four of them.
Everything here happens on one event loop, so integers are enough, and the registry collects them when it is scraped.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response_raw
from app.entrypoints.http.response import EncodedResponse

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
"""Stands for the template of what no route serves."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class RouteMetrics:
    """What is counted for one method of one route."""

    __slots__ = ("buckets", "in_progress", "seconds", "statuses")

    def __init__(self) -> None:
        self.in_progress = 0
        self.seconds = 0.0
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.statuses: dict[int, int] = {}

    def finished(self, status: int, seconds: float) -> None:
        """Count a request that took `seconds`."""
        self.in_progress -= 1
        self.seconds += seconds
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1


class HttpMetrics(Collector):
    """The metrics of all routes; the number of series is bounded by the routes that are mounted."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._routes: dict[tuple[str, str], RouteMetrics] = {}
        registry.register(self)

    def of(self, method: str, route: str) -> RouteMetrics:
        """The counters of one method of one route template; unknown methods share one."""
        return self._routes.setdefault((method if method in METHODS else "OTHER", route), RouteMetrics())

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            "http_requests", "Requests answered, by route, method and status.", labels=("method", "route", "status")
        )
        seconds = HistogramMetricFamily(
            "http_request_duration_seconds", "Time to answer a request.", labels=("method", "route")
        )
        in_progress = GaugeMetricFamily(
            "http_requests_in_progress", "Requests being answered now.", labels=("method", "route")
        )
        for labels, route in self._routes.items():
            for status, count in route.statuses.items():
                requests.add_metric((*labels, str(status)), count)
            seconds.add_metric(labels, _cumulative(route.buckets), route.seconds)
            in_progress.add_metric(labels, route.in_progress)
        return (requests, seconds, in_progress)


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    total, rows = 0, []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        total += count
        rows.append((bound, float(total)))
    return rows


class MetricsSource(Protocol):
    """Where the metrics page comes from: this process, or all workers together."""

    async def text(self) -> bytes:
        """The metrics in Prometheus' text format. Raises HttpError when they cannot be had now."""
        ...


class OwnMetrics:
    """The metrics of this process alone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    async def text(self) -> bytes:
        return generate_latest(self._registry)


class MetricsHandlers:
    """The page that Prometheus reads."""

    def __init__(self, source: MetricsSource) -> None:
        self._source = source

    @definition(
        path="/metrics",
        access=public,
        tags=["operations"],
        responses={"200": response_raw("text/plain", "The metrics in Prometheus' text format")},
        access_logged=False,
        limited=False,
    )
    async def metrics(self) -> web.StreamResponse:
        """Show the metrics of the service, all its workers added up."""
        return EncodedResponse(200, await self._source.text(), CONTENT_TYPE)
