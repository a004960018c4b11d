"""What is counted of calls to other services."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.domain.errors import DomainError

_CALL = ("upstream", "operation")


class UpstreamMetrics:
    """Counters of all upstreams, by upstream and operation; both are names of the program, so that they stay few."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "upstream_calls", "Calls ended, by how: ok or an error's code.", (*_CALL, "outcome"), registry=registry
        )
        self._attempts = Counter("upstream_attempts", "Attempts made.", _CALL, registry=registry)
        self._seconds = Histogram(
            "upstream_call_duration_seconds", "Time of a call with all its attempts.", _CALL, registry=registry
        )
        self._in_progress = Gauge("upstream_calls_in_progress", "Calls running now.", _CALL, registry=registry)
        self._open = Gauge("upstream_breaker_open", "1 unless the breaker is closed.", ("upstream",), registry=registry)

    @contextmanager
    def call(self, upstream: str, operation: str) -> Iterator[None]:
        """Measure one call."""
        started, outcome = time.perf_counter(), "ok"
        with self._in_progress.labels(upstream, operation).track_inprogress():
            try:
                yield
            except DomainError as error:
                outcome = error.code
                raise
            except BaseException as error:
                outcome = type(error).__name__
                raise
            finally:
                self._calls.labels(upstream, operation, outcome).inc()
                self._seconds.labels(upstream, operation).observe(time.perf_counter() - started)

    def attempt(self, upstream: str, operation: str) -> None:
        """Count one attempt."""
        self._attempts.labels(upstream, operation).inc()

    def watch_breaker(self, upstream: str, is_closed: Callable[[], bool]) -> None:
        """Show how the breaker stands, whenever the metrics are read."""
        self._open.labels(upstream).set_function(lambda: not is_closed())
