"""How the service stands with Consul, read when the metrics are."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.adapters.config.reloading import ConfigWatch
from app.adapters.consul.discovery import Discovery
from app.adapters.consul.parts import ConsulParts
from app.adapters.consul.registration import Registration


class ConsulMetrics(Collector):
    """Gauges of the settings that come from Consul, of the registration, and of the services that are followed."""

    def __init__(self, registry: CollectorRegistry, parts: ConsulParts) -> None:
        self._parts = parts
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        if self._parts.watch is not None:
            yield from _settings(self._parts.watch)
        if self._parts.registration is not None:
            yield from _registration(self._parts.registration)
        if self._parts.discoveries:
            yield from _discoveries(self._parts.discoveries)


def _settings(watch: ConfigWatch) -> Iterator[Metric]:
    yield GaugeMetricFamily("config_stale", "1 while Consul doesn't answer for the settings.", watch.stale)
    yield GaugeMetricFamily("config_refused", "1 while the settings in Consul cannot be used.", watch.refused)
    yield CounterMetricFamily("config_reloads", "Sets of settings that were taken over from Consul.", watch.applied)
    yield GaugeMetricFamily("config_waiting", "Settings that differ in Consul and need a restart.", len(watch.waiting))


def _registration(registration: Registration) -> Iterator[Metric]:
    yield GaugeMetricFamily("consul_registered", "1 while registered in Consul.", registration.registered)


def _discoveries(discoveries: Iterable[Discovery]) -> Iterator[Metric]:
    known = GaugeMetricFamily("consul_instances", "Healthy instances known.", labels=("service",))
    ejected = GaugeMetricFamily("consul_instances_ejected", "Instances left out for failures.", labels=("service",))
    stale = GaugeMetricFamily("consul_instances_stale", "1 while Consul doesn't answer for them.", labels=("service",))
    for discovery in discoveries:
        labels = (discovery.service,)
        known.add_metric(labels, discovery.known)
        ejected.add_metric(labels, discovery.ejected)
        stale.add_metric(labels, discovery.stale)
    yield from (known, ejected, stale)
