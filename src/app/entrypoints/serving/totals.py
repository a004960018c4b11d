"""Adds up the metrics of several workers, those that are gone included, so that no counter ever goes backwards."""

from collections.abc import Iterable

import attrs
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from app.entrypoints.serving.link import Family

_GROWING = frozenset({"counter", "histogram", "summary"})

STATES = frozenset({"service_ready", "storage_up"})
"""Gauges of 0 or 1 that tell of a worker which serves: of all, they are 1 only where each has 1."""
LEAST = STATES | {"process_start_time_seconds"}

Series = tuple[str, tuple[tuple[str, str], ...]]


def snapshot(registry: CollectorRegistry) -> list[Family]:
    """What a registry holds now, ready to be sent."""
    return [
        Family(
            metric.name,
            metric.documentation,
            metric.type,
            [(sample.name, dict(sample.labels), float(sample.value)) for sample in metric.samples],
        )
        for metric in registry.collect()
    ]


@attrs.define
class _Total:
    documentation: str
    kind: str
    series: dict[Series, float]


class Totals(Collector):
    """A sum of snapshots: of counters and histograms, and of gauges, which count things that each worker has.

    States and moments are not added up: the least of them stands.
    """

    def __init__(self) -> None:
        self._totals: dict[str, _Total] = {}

    def add(self, families: Iterable[Family]) -> None:
        """Add everything."""
        for family in families:
            total = self._totals.setdefault(family.name, _Total(family.documentation, family.kind, {}))
            for name, labels, value in family.samples:
                key = (name, tuple(labels.items()))
                before = total.series.get(key)
                if before is None:
                    total.series[key] = value
                elif name.endswith("_created") or name in LEAST:
                    total.series[key] = min(before, value)
                else:
                    total.series[key] = before + value

    def add_what_stays(self, families: Iterable[Family]) -> None:
        """Add what a worker that is gone leaves behind: what it counted, but nothing of what it had."""
        self.add(family for family in families if family.kind in _GROWING)

    def families(self) -> list[Family]:
        """The sum."""
        return [
            Family(
                name,
                total.documentation,
                total.kind,
                [(each, dict(labels), value) for (each, labels), value in total.series.items()],
            )
            for name, total in self._totals.items()
        ]

    def collect(self) -> Iterable[Metric]:
        for name, total in self._totals.items():
            metric = Metric(name, total.documentation, total.kind)
            for (each, labels), value in total.series.items():
                metric.add_sample(each, dict(labels), value)
            yield metric

    def text(self) -> str:
        """The sum as Prometheus reads it."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry).decode()


def without_states(families: Iterable[Family]) -> list[Family]:
    """All but what tells whether a worker can serve."""
    return [family for family in families if family.name not in STATES]
