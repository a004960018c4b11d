"""How the storage's pools stand, and whether the service is ready, read when the metrics are."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.entrypoints.api.health import Readiness
from app.ports.health import Pool


class PoolMetrics(Collector):
    """Gauges of every pool: connections open and lent out, and the callers waiting for one."""

    def __init__(self, registry: CollectorRegistry, pools: Sequence[Pool]) -> None:
        self._pools = pools
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        size = GaugeMetricFamily("storage_pool_size", "Connections open.", labels=("pool",))
        in_use = GaugeMetricFamily("storage_pool_in_use", "Connections lent out.", labels=("pool",))
        waiting = GaugeMetricFamily("storage_pool_waiting", "Callers waiting for a connection.", labels=("pool",))
        failures = CounterMetricFamily(
            "storage_errors", "Calls that failed for reasons of the storage.", labels=("pool", "code")
        )
        for pool in self._pools:
            for code, count in pool.failures().items():
                failures.add_metric((pool.name, code), count)
            usage = pool.usage()
            size.add_metric((pool.name,), usage.size)
            in_use.add_metric((pool.name,), usage.in_use)
            waiting.add_metric((pool.name,), usage.waiting)
        return (size, in_use, waiting, failures)


class ReadinessMetrics(Collector):
    """Gauges of 0 or 1: whether the service can serve, and whether each pool could be used when it was last asked."""

    def __init__(self, registry: CollectorRegistry, readiness: Readiness) -> None:
        self._readiness = readiness
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("service_ready", "1 where requests can be served.", self._readiness.problem is None)
        up = GaugeMetricFamily("storage_up", "1 where the pool can be used.", labels=("pool",))
        for name, is_up in self._readiness.pools.are_up().items():
            up.add_metric((name,), is_up)
        yield up
