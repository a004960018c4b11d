"""How busy the storage's pools are, read when the metrics are."""

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

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
        for pool in self._pools:
            usage = pool.usage()
            size.add_metric((pool.name,), usage.size)
            in_use.add_metric((pool.name,), usage.in_use)
            waiting.add_metric((pool.name,), usage.waiting)
        return (size, in_use, waiting)
