"""Events in a stream of NATS JetStream."""

import asyncio
from contextlib import suppress

from nats.aio.client import Client
from nats.errors import Error, MaxPayloadError
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from app.adapters.events.message import message
from app.adapters.events.settings import NatsSettings
from app.domain.errors import Unavailable
from app.domain.model.events import Event
from app.ports.events import EventRefused

MESSAGE_ID = "Nats-Msg-Id"
"""By this header the server knows, for two minutes unless its stream is told otherwise, what it has already."""


class NatsPublisher:
    """The port `EventPublisher` on NATS: returns when the stream has the event.

    A connection that breaks is not mended but made anew for the next event: a client that reconnects by itself sends
    what it kept meanwhile, long after its callers gave up.
    """

    def __init__(self, settings: NatsSettings, timeout: float) -> None:
        self._settings = settings
        self._timeout = timeout
        self._client: Client | None = None

    async def open(self) -> None:
        """Get ready; the server may be away still."""

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Error, OSError, TimeoutError):
                await client.close()

    async def publish(self, event: Event) -> None:
        settings = self._settings
        try:
            client = await self._connected()
            await client.jetstream().publish(
                f"{settings.subject}.{event.type.value}",
                message(event),
                timeout=self._timeout,
                stream=settings.stream,
                headers={MESSAGE_ID: event.id},
            )
        except MaxPayloadError as error:
            raise EventRefused("The event is larger than the NATS server takes.") from error
        except ServiceUnavailableError as error:
            raise _away(error) from error
        except APIError as error:
            raise EventRefused(f"The stream {settings.stream} refuses it: {error.description}.") from error
        except (Error, OSError, TimeoutError) as error:
            await self.close()
            raise _away(error) from error

    async def _connected(self) -> Client:
        if self._client is None or not self._client.is_connected:
            await self.close()
            client = Client()
            async with asyncio.timeout(self._timeout):
                await client.connect(
                    self._settings.url.reveal(),
                    allow_reconnect=False,
                    connect_timeout=max(1, round(self._timeout)),
                    error_cb=_ignore,
                )
                self._client = client
                await self._require_stream(client)
        return self._client

    async def _require_stream(self, client: Client) -> None:
        manager = client.jsm(timeout=self._timeout)
        try:
            await manager.stream_info(self._settings.stream)
        except NotFoundError:
            await manager.add_stream(
                name=self._settings.stream,
                subjects=[f"{self._settings.subject}.>"],
                max_age=self._settings.max_age,  # without one, it would grow for ever
            )


async def _ignore(error: Exception) -> None:
    """Whoever publishes learns of it; nats-py would log it with its traceback."""


def _away(error: BaseException) -> Unavailable:
    return Unavailable(f"The NATS server of APP_EVENTS__NATS__URL can't take events now ({type(error).__name__}).")
