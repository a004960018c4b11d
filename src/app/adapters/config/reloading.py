"""Keeps the settings in step with Consul while the service runs."""

import asyncio
import logging

from app.adapters.config.consul import Values
from app.adapters.config.last_known_good import LastKnownGood
from app.adapters.config.live import LiveSettings
from app.adapters.config.loading import Loaded, last_known_good, source_of
from app.adapters.config.setting import variable
from app.adapters.config.sources import SettingsError
from app.adapters.consul.client import ConsulClient
from app.adapters.consul.following import Follower
from app.adapters.consul.transport import ConsulError

logger = logging.getLogger(__name__)


class ConfigWatch:
    """Follows the settings in Consul: whole sets that are valid are taken over, all others leave everything as it is.

    A resource. `stale`: Consul doesn't answer; `refused`: what it holds now cannot be used; `applied`: how many sets
    were taken over; `waiting`: the variables that differ and need a restart.
    """

    def __init__(self, client: ConsulClient, loaded: Loaded, live: LiveSettings) -> None:
        self._loaded = loaded
        self._live = live
        self._values = loaded.consul.value if loaded.consul is not None else None
        self._follower = Follower("settings in Consul", client.values, self)
        self.stale = loaded.consul is None
        self.refused = False
        self.applied = 0
        self.waiting: tuple[str, ...] = ()

    async def open(self) -> None:
        """Begin to follow, from where the start has read."""
        self._follower.start(self._loaded.consul.index if self._loaded.consul is not None else 0)

    async def close(self) -> None:
        """Follow no longer."""
        await self._follower.stop()

    def unanswered(self, error: ConsulError) -> None:
        """Go on with the settings that hold."""
        if not self.stale:
            logger.warning("The settings stay as they are: %s", error)
        self.stale = True

    async def told(self, value: Values, *, lost: bool) -> None:
        """Take over what Consul holds, or say why not."""
        if not value:
            # Also the answer to a token that lost its rights, and of an agent that lost its state.
            self.unanswered(ConsulError("Consul holds nothing below the prefix that the token may read."))
            return
        if self.stale:
            logger.info("Consul answers again.")
        self.stale = False
        if value != self._values:
            self._values = value
            await self._take_over(value)

    async def _take_over(self, values: Values) -> None:
        bootstrap = self._loaded.layers.bootstrap()
        if bootstrap is None:
            return
        try:
            built = self._loaded.layers.build(source_of(bootstrap, values))
        except SettingsError as error:
            self.refused = True
            logger.error("What Consul holds is refused as a whole; the settings stay as they are: %s", error)
            return
        self.refused = False
        self.applied += 1
        found = self._live.change(built.settings)
        self._tell([variable(each.key) for each in found if each.reloadable])
        self._tell_of_waiting(tuple(variable(each.key) for each in found if not each.reloadable))
        await asyncio.to_thread(_keep, last_known_good(bootstrap), values)

    def _tell(self, changed: list[str]) -> None:
        if changed:
            logger.info("Changed by Consul: %s.", ", ".join(changed))

    def _tell_of_waiting(self, waiting: tuple[str, ...]) -> None:
        if waiting and waiting != self.waiting:
            logger.warning("Changed in Consul, and needs a restart: %s.", ", ".join(waiting))
        self.waiting = waiting


def _keep(kept: LastKnownGood, values: Values) -> None:
    try:
        kept.save(values)
    except OSError as error:
        logger.warning("The settings in Consul cannot be kept for bad days: %s", error)
