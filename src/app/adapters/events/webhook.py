"""Events sent to a web address, signed."""

import hashlib
import hmac
import time

import aiohttp

from app.adapters.config.secret import Secret
from app.adapters.events.message import message
from app.adapters.events.settings import WebhookSettings
from app.domain.errors import Unavailable
from app.domain.model.events import Event
from app.ports.events import EventRefused

SIGNATURE = "X-Signature"
EVENT_ID = "X-Event-ID"
PASSING = (408, 425, 429, 502, 503, 504)
"""Statuses that say nothing of the event, but that the receiver is not there now."""


class WebhookPublisher:
    """The port `EventPublisher` by HTTP: any 2xx says that the receiver has the event.

    `X-Signature: t=<seconds since 1970>,v1=<HMAC-SHA256 of "<t>.<body>" in hexadecimal digits>` is from who knows the
    secret, and how old the time may be is up to the receiver. `X-Event-ID` is the same when an event is sent twice.
    """

    def __init__(self, settings: WebhookSettings, timeout: float) -> None:
        self._settings = settings
        self._timeout = timeout
        self._middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = ()
        self._session: aiohttp.ClientSession | None = None

    def pass_through(self, middleware: aiohttp.ClientMiddlewareType) -> None:
        """Send every event through `middleware`; to be said before the publisher is opened."""
        self._middlewares += (middleware,)

    async def open(self) -> None:
        """Get ready; the receiver may be away still."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(self._timeout), middlewares=self._middlewares
        )

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def publish(self, event: Event) -> None:
        if self._session is None or self._settings.url is None:
            raise Unavailable("The publisher of events is not open.")
        body = message(event)
        headers = {"Content-Type": "application/json", EVENT_ID: event.id}
        if self._settings.secret is not None:
            headers[SIGNATURE] = signature(self._settings.secret, body, int(time.time()))
        try:
            async with self._session.post(
                self._settings.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                status = answer.status
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"The receiver of events can't be reached ({type(error).__name__}).") from error
        if status in PASSING:
            raise Unavailable(f"The receiver of events answers {status}.")
        if not 200 <= status < 300:
            raise EventRefused(f"The receiver answered {status}.")


def signature(secret: Secret, body: bytes, at: int) -> str:
    """The value of X-Signature for a body that is sent then (seconds since 1970)."""
    digest = hmac.new(secret.reveal().encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
