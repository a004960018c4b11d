"""All that the service has to do with Consul while it runs."""

import aiohttp

from app.adapters.config.live import LiveSettings
from app.adapters.config.loading import Loaded
from app.adapters.config.reloading import ConfigWatch
from app.adapters.config.settings import Settings
from app.adapters.consul.client import ConsulClient
from app.adapters.consul.discovery import Discovery
from app.adapters.consul.registration import Listening, Ready, Registration
from app.adapters.consul.transport import ConsulError
from app.ports.health import Resource


class ConsulParts:
    """What there is of it: nothing where no Consul is set, and of each part only what is wanted."""

    def __init__(self, settings: Settings, loaded: Loaded | None, live: LiveSettings, ready: Ready) -> None:
        consul, http = settings.consul, settings.http
        self._discoveries: dict[str, Discovery] = {}
        self.client = ConsulClient(consul) if consul.address is not None else None
        self.watch: ConfigWatch | None = None
        self.registration: Registration | None = None
        if self.client is not None and loaded is not None:
            self.watch = ConfigWatch(self.client, loaded, live)
        if self.client is not None and consul.register:
            listening = Listening(http.host, http.port, settings.version)
            self.registration = Registration(self.client, consul, listening, ready)

    @property
    def discoveries(self) -> list[Discovery]:
        """The services that are followed."""
        return list(self._discoveries.values())

    def discover(self, service: str) -> Discovery:
        """The upstream whose instances are those of `service`; opened and closed with the other parts.

        To be called before the service starts. Raises ConsulError where no Consul is set.
        """
        if self.client is None:
            raise ConsulError(f"Set APP_CONSUL__ADDRESS: the service {service} is to be found in Consul.")
        if service not in self._discoveries:
            self._discoveries[service] = Discovery(self.client, service)
        return self._discoveries[service]

    def pass_through(self, middleware: aiohttp.ClientMiddlewareType) -> None:
        """Send every request to Consul through `middleware`; to be said before the service starts."""
        if self.client is not None:
            self.client.pass_through(middleware)

    def opened_first(self) -> list[Resource]:
        """What is opened before the rest of the service, in order."""
        return [part for part in (self.client, self.watch, *self.discoveries) if part is not None]

    def opened_last(self) -> list[Resource]:
        """What is opened when everything else is, and closed before it."""
        return [self.registration] if self.registration is not None else []

    def hand_on(self) -> None:
        """Leave the registration as it is when this process ends: others of the same instance go on to keep it."""
        if self.registration is not None:
            self.registration.is_handed_on = True

    async def leave(self) -> None:
        """Tell Consul that nobody is to be sent here any more."""
        if self.registration is not None:
            await self.registration.close()
