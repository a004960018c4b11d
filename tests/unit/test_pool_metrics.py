"""The pools' gauges are read when the metrics are."""

import attrs
from prometheus_client import CollectorRegistry

from app.adapters.memory.store import MemoryStore
from app.entrypoints.pool_metrics import PoolMetrics
from app.ports.health import PoolUsage


class Pool(MemoryStore):
    """A pool that is as busy as a test says."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.now = PoolUsage(0, 0, 0)

    def usage(self) -> PoolUsage:
        return self.now


def test_each_pool_has_its_gauges_as_they_are_now() -> None:
    registry = CollectorRegistry()
    primary, reports = Pool("primary"), Pool("reports")
    PoolMetrics(registry, [primary, reports])

    def told(pool: str) -> list[float | None]:
        names = [f"storage_pool_{field.name}" for field in attrs.fields(PoolUsage)]
        return [registry.get_sample_value(name, {"pool": pool}) for name in names]

    assert told("primary") == told("reports") == [0, 0, 0]
    primary.now = PoolUsage(size=5, in_use=3, waiting=2)
    assert (told("primary"), told("reports")) == ([5, 3, 2], [0, 0, 0])


def test_without_pools_there_are_no_series() -> None:
    registry = CollectorRegistry()
    PoolMetrics(registry, [])
    assert [sample for family in registry.collect() for sample in family.samples] == []
