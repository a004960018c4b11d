"""The sources of the settings, weakest first, and Consul's place among them."""

from collections.abc import Iterable
from pathlib import Path

import attrs

from app.adapters.config.building import Built, Rules, build, examine
from app.adapters.config.consul import SECTION, ConsulSource
from app.adapters.config.rules import derived, refused
from app.adapters.config.setting import Key, setting
from app.adapters.config.settings import Settings
from app.adapters.config.sources import EnvironmentSource, Problem, Reading, SettingsError, Source
from app.adapters.consul.settings import ConsulSettings


@attrs.frozen
class ReadSource:
    """A source that was read: what it said then is what it says from now on."""

    name: str
    reading: Reading = attrs.field(repr=False)

    def read(self) -> Reading:
        return self.reading


@attrs.frozen
class Bootstrap:
    """What has to be known before Consul is asked."""

    data_dir: Path = setting(attrs.fields(Settings).data_dir.default)
    consul: ConsulSettings = attrs.field(factory=ConsulSettings)


@attrs.frozen
class Layers:
    """**The precedence**: defaults < what stands before Consul (`.env`) < Consul < the process environment."""

    below: tuple[Source, ...]
    above: tuple[Source, ...]

    @classmethod
    def of(cls, sources: Iterable[Source]) -> "Layers":
        """The layers of local sources, each of which is read once, now. The environment stands above Consul."""
        kept = [(isinstance(source, EnvironmentSource), ReadSource(source.name, source.read())) for source in sources]
        return cls(
            tuple(source for is_above, source in kept if not is_above),
            tuple(source for is_above, source in kept if is_above),
        )

    def build(self, consul: ConsulSource | None = None) -> Built[Settings]:
        """The settings with what Consul holds. Raises SettingsError with everything that is wrong."""
        middle = () if consul is None else (consul,)
        return build(Settings, [*self.below, *middle, *self.above], Rules(derived, refused))

    def problems(self, consul: ConsulSource) -> list[Problem]:
        """All that is wrong with the settings with what Consul holds."""
        return examine(Settings, [*self.below, consul, *self.above], Rules(derived, refused)).problems

    def without_above(self, key: Key) -> "Layers":
        """The same, with nothing that hides Consul's value of this setting."""
        readings = [(source.name, source.read()) for source in self.above]
        return attrs.evolve(
            self,
            above=tuple(
                ReadSource(name, attrs.evolve(read, values=tuple(each for each in read.values if each.key != key)))
                for name, read in readings
            ),
        )

    def bootstrap(self) -> Bootstrap | None:
        """Where Consul is; None where there is none. What else is wrong with the sources doesn't matter here.

        Raises SettingsError when the settings of Consul itself are.
        """
        found = build(Bootstrap, [_bootstrap_part(source) for source in (*self.below, *self.above)]).settings
        return found if found.consul.address is not None else None


def _bootstrap_part(source: Source) -> ReadSource:
    values = source.read().values
    return ReadSource(source.name, Reading(tuple(each for each in values if each.key[0] in (SECTION, "data_dir"))))


def explained(error: SettingsError, layers: Layers) -> SettingsError:
    """All that is wrong with local sources, for one who would otherwise learn of Consul's own settings only."""
    try:
        layers.build()
    except SettingsError as everything:
        return everything
    return error
