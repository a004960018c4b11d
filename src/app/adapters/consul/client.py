"""What this service asks of Consul, in types."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import aiohttp
import attrs
import msgspec
from consul import base

from app.adapters.consul.settings import ConsulSettings
from app.adapters.consul.transport import Api, ConsulError, Pace, Transport, trust

T_co = TypeVar("T_co", covariant=True)

INTERVAL = 1.0
"""Seconds between two requests of this process to Consul, whatever it asks for."""
WAIT = 10
"""Seconds that a question may wait at Consul for a change. An agent that freezes is noticed after them."""


@attrs.frozen
class Answer(Generic[T_co]):
    """What Consul holds, and the index to wait at for a change of it."""

    index: int
    value: T_co


@attrs.frozen
class Address:
    """Where an instance of a service listens."""

    id: str
    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class ConsulClient:
    """Speaks to one Consul agent. A resource.

    Sends at most one request a second, whatever happens; only leaving doesn't wait for its turn. Raises ConsulError.
    """

    def __init__(self, settings: ConsulSettings) -> None:
        self._settings = settings
        self._transports = (Transport(settings, Pace(INTERVAL)), Transport(settings, None))
        self._api, self._at_once = (Api(transport, settings.datacenter) for transport in self._transports)
        self._middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
        self._session: aiohttp.ClientSession | None = None

    def pass_through(self, middleware: aiohttp.ClientMiddlewareType) -> None:
        """Send every request through `middleware`; to be said before the client is opened."""
        self._middlewares += (middleware,)

    async def open(self) -> None:
        """Make ready to speak; raises ConsulError, naming the setting, when the authorities cannot be read."""
        token = self._settings.token
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=trust(self._settings)),
            headers={"X-Consul-Token": token.reveal()} if token is not None else {},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._settings.timeout),
            middlewares=self._middlewares,
        )
        # aiohttp would send a GET or PUT twice when the connection breaks, and an agent that is unwell is asked once.
        self._session._retry_connection = False  # noqa: SLF001 - there is no public way
        for transport in self._transports:
            transport.session = self._session

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def values(self, index: int = 0) -> Answer[dict[str, bytes]]:
        """Every key below the prefix, relative to it, with its value. With an index: once that may have changed."""
        folder = f"{self._settings.prefix}/"
        found = await self._api.kv.get(folder, recurse=True, index=index or None, wait=f"{WAIT}s")
        return _answer(found, lambda listed: dict(_pairs(_list([] if listed is None else listed), folder)))

    async def healthy(self, service: str, index: int = 0) -> Answer[list[Address]]:
        """The instances of a service that pass their checks. With an index: once they may have changed."""
        found = await self._api.health.service(service, passing=True, index=index or None, wait=f"{WAIT}s")
        return _answer(found, lambda listed: [_address(entry) for entry in _list(listed)])

    async def put(self, key: str, text: str) -> None:
        """Write a value below the prefix."""
        if await self._api.kv.put(f"{self._settings.prefix}/{key}", text.encode()) is not True:
            raise ConsulError(f"Consul at {self._settings.address} did not take the value of {key}.")

    async def register(self, service: Mapping[str, object]) -> None:
        """Register an instance, or renew it (https://developer.hashicorp.com/consul/api-docs/agent/service)."""
        # The library's own method knows no Meta.
        await self._api.http.put(base.CB.bool(), "/v1/agent/service/register", data=msgspec.json.encode(service))

    async def report(self, service_id: str, problem: str | None) -> None:
        """Tell the agent that an instance is well, or what its problem is; one that it lost gives ConsulError."""
        check = self._api.agent.check
        answer = check.ttl_pass if problem is None else check.ttl_fail
        if await answer(f"service:{service_id}", notes=problem or "ready") is not True:
            raise ConsulError(f"Consul at {self._settings.address} knows no such instance.", 404)

    async def deregister(self, service_id: str) -> None:
        """Take an instance out, at once."""
        await self._at_once.agent.service.deregister(service_id)


def _answer(found: Any, read: Any) -> Answer[Any]:
    try:
        index, value = found
        return Answer(max(1, int(index)), read(value))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConsulError("Consul sent what is none of its answers.") from error


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _pairs(listed: Any, folder: str) -> list[tuple[str, bytes]]:
    keys = [(entry["Key"], entry["Value"]) for entry in listed]
    # A key that ends in a slash is a folder; an empty value comes as None.
    return [(key.removeprefix(folder), bytes(value or b"")) for key, value in keys if not key.endswith("/")]


def _address(entry: Any) -> Address:
    service = entry["Service"]
    host = service["Address"] or entry["Node"]["Address"]
    return Address(str(service["ID"]), str(host), int(service["Port"]))
