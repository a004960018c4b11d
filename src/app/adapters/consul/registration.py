"""This instance, told to Consul: after it is ready, as long as it is, and not a moment after."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

import attrs

from app.adapters.consul.client import ConsulClient
from app.adapters.consul.following import pause
from app.adapters.consul.settings import ConsulSettings
from app.adapters.consul.transport import ConsulError

logger = logging.getLogger(__name__)

TICK = 0.25


class Ready(Protocol):
    """Who knows whether this service can serve."""

    @property
    def problem(self) -> str | None: ...


@attrs.frozen
class Listening:
    """Where this process listens, and the version that it runs."""

    host: str
    port: int
    version: str


class Registration:
    """Registers this instance with a TTL check, fed by readiness; again, after a random pause, when the agent lost it.

    A resource, opened last: nobody is sent here before everything else is open, and the port answers. Closed first.
    """

    def __init__(self, client: ConsulClient, settings: ConsulSettings, listening: Listening, ready: Ready) -> None:
        self._client = client
        self._settings = settings
        self._listening = listening
        self._ready = ready
        self._task: asyncio.Task[None] | None = None
        self._told: str | None = None
        self._tried = False
        self.registered = False
        self.is_handed_on = False
        host = settings.service_address or listening.host
        port = settings.service_port or listening.port
        self.id = f"{settings.service}-{host}-{port}".replace(":", ".")
        self._place = {"Address": host, "Port": port}

    def _described(self, problem: str | None) -> Mapping[str, object]:
        settings = self._settings
        return {
            "ID": self.id,
            "Name": settings.service,
            **self._place,
            "Tags": settings.service_tags,
            "Meta": {"version": self._listening.version},
            "Check": {
                "Name": "readiness",
                "TTL": f"{settings.ttl:g}s",
                "Status": "passing" if problem is None else "critical",
                "DeregisterCriticalServiceAfter": f"{settings.deregister_after:g}s",
            },
        }

    async def open(self) -> None:
        """Begin; the instance is registered when it serves, also when Consul is away until then."""
        self._task = asyncio.create_task(self._keep(), name="registration")

    async def close(self) -> None:
        """Deregister, at once, unless it was handed on. When that fails, Consul does it after the TTL by itself."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        if not self._tried or self.is_handed_on:
            return
        self.registered = False
        try:
            await self._client.deregister(self.id)
        except ConsulError as error:
            logger.warning("Could not deregister %s: %s", self.id, error)

    async def _keep(self) -> None:
        failures = 0
        await self._wait_until_serving()
        while True:
            try:
                await self._tell()
            except ConsulError as error:
                logger.log(logging.DEBUG if failures else logging.WARNING, "Not registered as it should be: %s", error)
                failures += 1
                await asyncio.sleep(pause(failures))
            else:
                failures = 0
                await self._wait_for_news()

    async def _wait_until_serving(self) -> None:
        while self._ready.problem is not None or not await self._answers():
            await asyncio.sleep(TICK)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(1):
                _, writer = await asyncio.open_connection(self._listening.host, self._listening.port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    async def _tell(self) -> None:
        """Say how this instance is; register it where the agent doesn't know it."""
        problem = self._ready.problem
        if self.registered:
            try:
                await self._client.report(self.id, problem)
            except ConsulError:
                self.registered = False  # in any case: to register once more does no harm
                raise
        else:
            await self._register(problem)
        self._told = problem

    async def _register(self, problem: str | None) -> None:
        self._tried = True
        await self._client.register(self._described(problem))
        self.registered = True
        logger.info("Registered as %s.", self.id)

    async def _wait_for_news(self) -> None:
        """Until a third of the TTL is over, or readiness has changed."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.ttl / 3
        while loop.time() < end and self._ready.problem == self._told:
            await asyncio.sleep(min(TICK, self._settings.ttl / 3))
