"""What the program calls to have its settings."""

import os
from collections.abc import Iterable
from pathlib import Path

import attrs

from app.adapters.config.building import Built
from app.adapters.config.consul import ConsulSource, Values, read_at_start
from app.adapters.config.last_known_good import LastKnownGood
from app.adapters.config.layers import Bootstrap, Layers, explained
from app.adapters.config.settings import Settings
from app.adapters.config.sources import Problem, SettingsError, Source, standard_sources
from app.adapters.consul.client import Answer
from app.adapters.consul.transport import ConsulError


@attrs.frozen
class Loaded(Built[Settings]):
    """The settings at the start, and all that is needed to build them again when Consul holds others.

    `consul` is what Consul answered, None where it gave nothing that could be used; `warnings` say what was done then.
    """

    layers: Layers
    consul: Answer[Values] | None = attrs.field(default=None, repr=False)
    warnings: tuple[str, ...] = ()


def load_settings(sources: Iterable[Source] | None = None) -> Loaded:
    """The settings out of `sources`, weakest first, those of this process and its directory if none are given; and out
    of Consul, where these say that there is one.

    Raises SettingsError with everything that is wrong, within ten seconds.
    """
    layers = local_layers(sources)
    try:
        bootstrap = layers.bootstrap()
    except SettingsError as error:
        raise explained(error, layers) from None
    if bootstrap is None:
        return _loaded(layers.build(), layers)
    return _Start(layers, bootstrap).load()


def local_layers(sources: Iterable[Source] | None = None) -> Layers:
    """The sources read, without Consul."""
    return Layers.of(standard_sources(os.environ, Path()) if sources is None else sources)


def last_known_good(bootstrap: Bootstrap) -> LastKnownGood:
    """Where Consul's settings are kept for bad days: in the data folder that is set outside of Consul."""
    return LastKnownGood(bootstrap.data_dir, bootstrap.consul.prefix)


def source_of(bootstrap: Bootstrap, values: Values) -> ConsulSource:
    """Consul as a source that holds these values."""
    return ConsulSource(f"Consul {bootstrap.consul.address}", bootstrap.consul.prefix, values)


def _loaded(
    built: Built[Settings], layers: Layers, consul: Answer[Values] | None = None, warnings: tuple[str, ...] = ()
) -> Loaded:
    return Loaded(built.settings, built.effective, layers, consul, warnings)


@attrs.frozen
class _Start:
    """The start of a service that has a Consul."""

    layers: Layers
    bootstrap: Bootstrap

    def load(self) -> Loaded:
        consul = self.bootstrap.consul
        try:
            answer = read_at_start(consul)
        except ConsulError as error:
            failure = self._absent(error)
            if consul.required:
                raise failure from error
            return self._without(failure)
        try:
            built = self.layers.build(source_of(self.bootstrap, answer.value))
        except SettingsError as error:
            if consul.required or last_known_good(self.bootstrap).load() is None:
                raise
            return self._without(error)
        return _loaded(built, self.layers, answer, self._keep(answer.value))

    def _absent(self, error: ConsulError) -> SettingsError:
        consul = self.bootstrap.consul
        told = f"no settings from {consul.address}, prefix {consul.prefix}: {error}"
        return SettingsError([Problem("APP_CONSUL__ADDRESS", f"Consul {consul.address}", told)])

    def _without(self, failure: SettingsError) -> Loaded:
        """The start on what was kept, or else on the other sources. Raises `failure` if they are of no use either."""
        kept = last_known_good(self.bootstrap)
        values = kept.load()
        source = ConsulSource(f"kept of Consul in {kept.path}", kept.prefix, values or {})
        try:
            built = self.layers.build(source)
        except SettingsError as error:
            raise SettingsError(list(dict.fromkeys([*failure.problems, *error.problems]))) from None
        used = f"the last known ones are used, from {kept.path}" if values else "none were kept; the others are used"
        told = "; ".join(map(str, failure.problems))
        return _loaded(built, self.layers, warnings=(f"What Consul holds cannot be used: {told} {used}.",))

    def _keep(self, values: Values) -> tuple[str, ...]:
        try:
            last_known_good(self.bootstrap).save(values)
        except OSError as error:
            return (f"the settings in Consul cannot be kept for bad days: {error}",)
        return ()
