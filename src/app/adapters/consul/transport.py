"""python-consul's calls, sent by aiohttp. The library builds paths and reads answers; what goes over the wire is ours.

Its own asyncio transport doesn't import any more; the others leave the token out of some calls, and put it into URLs.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import aiohttp
from consul import base
from yarl import URL

from app.adapters.consul.settings import ConsulSettings
from app.domain.errors import Unavailable

Parameters: TypeAlias = Sequence[tuple[str, object]] | None

MAX_ANSWER = 16 * 2**20
"""Bytes; a value in Consul has at most half a megabyte."""
READABLE = 100


class ConsulError(Unavailable):
    """Consul didn't do what it was asked to; `status` is its answer's, None without an answer. Holds no token."""

    code = "CONSUL_UNAVAILABLE"

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Pace:
    """Lets callers through one by one, each at least `interval` seconds after the one before."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until it is the caller's turn."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._interval
        await asyncio.sleep(turn - now)


def trust(settings: ConsulSettings) -> ssl.SSLContext | bool:
    """What aiohttp checks Consul's certificate with. Raises ConsulError when the authorities cannot be read."""
    if not settings.verify:
        return False
    if settings.ca is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca)
    except (OSError, ValueError) as error:
        raise ConsulError(f"APP_CONSUL__CA: {settings.ca} cannot be used: {error.__class__.__name__}") from error


class Transport(base.HTTPClient):  # type: ignore[misc]  # the library has no types
    """Sends one request for each call; raises ConsulError for whatever is no proper answer of Consul."""

    def __init__(self, settings: ConsulSettings, pace: Pace | None) -> None:
        self.base_uri = str(settings.address).rstrip("/")
        self.session: aiohttp.ClientSession | None = None
        self._timeout = settings.timeout
        self._pace = pace

    def get(self, callback: Callable[..., Any], path: str, params: Parameters = None) -> Any:
        return self._send("GET", callback, path, params)

    def put(self, callback: Callable[..., Any], path: str, params: Parameters = None, data: Any = "") -> Any:
        return self._send("PUT", callback, path, params, data)

    def post(self, callback: Callable[..., Any], path: str, params: Parameters = None, data: Any = "") -> Any:
        return self._send("POST", callback, path, params, data)

    def delete(self, callback: Callable[..., Any], path: str, params: Parameters = None) -> Any:
        return self._send("DELETE", callback, path, params)

    async def _send(
        self, method: str, callback: Callable[..., Any], path: str, params: Parameters, data: Any = None
    ) -> Any:
        if self.session is None:
            raise ConsulError("Open the Consul client first.")
        if self._pace is not None:
            await self._pace.turn()
        url = URL(self.uri(path, params), encoded=True)
        limit = self._patience(params)
        try:
            async with asyncio.timeout(limit), self.session.request(method, url, data=data) as answer:
                body = await _body(answer)
        except TimeoutError as error:
            raise ConsulError(f"Consul at {self.base_uri} did not answer within {limit:g} s.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ConsulError(f"Consul at {self.base_uri} cannot be reached: {_reason(error)}.") from error
        return self._read(callback, base.Response(answer.status, answer.headers, body))

    def _patience(self, params: Parameters) -> float:
        """Seconds to wait for an answer: Consul adds up to a sixteenth to the time that a blocking query may take."""
        waits = [float(str(value).rstrip("s")) for name, value in params or () if name == "wait"]
        return self._timeout + sum(waits) * 17 / 16

    def _read(self, callback: Callable[..., Any], response: Any) -> Any:
        try:
            return callback(response._replace(body=response.body.decode()))
        except base.ACLPermissionDenied as error:
            raise ConsulError(f"Consul at {self.base_uri} lets the token not do this (403).", 403) from error
        except base.ConsulException as error:
            text = response.body[:READABLE].decode("utf-8", "replace").strip()
            told = f": {text}" if text.isprintable() and "<" not in text else ""
            raise ConsulError(f"Consul at {self.base_uri} answered {response.code}{told}.", response.code) from error
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            raise ConsulError(f"What is at {self.base_uri} does not answer as Consul does.", response.code) from error


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MAX_ANSWER:
            raise aiohttp.ClientPayloadError("it sent too much")
    return bytes(body)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class Api(base.Consul):  # type: ignore[misc]  # as above
    """python-consul's calls over our transport, deaf to the CONSUL_… variables that would change where they go."""

    def __init__(self, transport: Transport, datacenter: str | None) -> None:
        self.http = transport
        self.token = None  # the session sends it; the library would put it into URLs
        self.dc = datacenter
        self.consistency = "default"
        self.kv = base.Consul.KV(self)
        self.agent = base.Consul.Agent(self)
        self.health = base.Consul.Health(self)
