"""Events sent to a web address."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.adapters.config.secret import Secret
from app.adapters.events.settings import WebhookSettings
from app.adapters.events.webhook import WebhookPublisher
from app.domain.errors import Unavailable
from app.domain.model.events import post_published
from app.ports.events import EventRefused
from tests.builders import SOME_MOMENT, a_post
from tests.processes import free_port

SECRET = "a secret for tests, of 32 bytes or more"
EVENT = post_published(a_post(7), SOME_MOMENT)


@attrs.define
class Receiver:
    """Keeps what it gets and answers what it is told to."""

    status: int = 204
    delay: float = 0.0
    requests: list[tuple[str, str, bytes]] = attrs.field(factory=list)
    url: str = ""

    async def receive(self, request: web.Request) -> web.Response:
        self.requests.append((request.headers["X-Event-ID"], request.headers["X-Signature"], await request.read()))
        await asyncio.sleep(self.delay)
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found, app = Receiver(), web.Application()
    app.router.add_post("/events", found.receive)
    async with TestServer(app) as started:
        found.url = str(started.make_url("/events"))
        yield found


async def send(url: str, seconds: float = 2.0) -> None:
    publisher = WebhookPublisher(WebhookSettings(url=url, secret=Secret(SECRET)), seconds)
    await publisher.open()
    try:
        await publisher.publish(EVENT)
    finally:
        await publisher.close()


async def test_what_arrives_is_the_event_signed_with_the_secret(receiver: Receiver) -> None:
    await send(receiver.url)
    ((event_id, signature, body),) = receiver.requests
    at, _, digest = signature.removeprefix("t=").partition(",v1=")
    assert hmac.compare_digest(digest, hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest())
    assert event_id == EVENT.id
    assert json.loads(body) == {
        "id": EVENT.id,
        "type": "post.published",
        "post_id": 7,
        "occurred_at": "2026-03-14T15:09:26.535000Z",
        "payload": {"title": "A title", "version": 1},
    }


@pytest.mark.parametrize("status", [400, 404, 410, 500, 301, 307])
async def test_a_receiver_that_says_no_refuses_the_event(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(EventRefused, match=str(status)):
        await send(receiver.url)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
async def test_a_receiver_that_is_busy_is_away(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(Unavailable, match=str(status)):
        await send(receiver.url)


async def test_nobody_at_the_address_is_away() -> None:
    with pytest.raises(Unavailable):
        await send(f"http://127.0.0.1:{free_port()}/events")


async def test_a_slow_receiver_is_cut_off(receiver: Receiver) -> None:
    receiver.delay = 30
    with pytest.raises(TimeoutError):
        await send(receiver.url, seconds=0.2)


async def test_a_publisher_that_is_not_open_sends_nothing() -> None:
    publisher = WebhookPublisher(WebhookSettings(url="http://127.0.0.1/", secret=Secret(SECRET)), 1.0)
    with pytest.raises(Unavailable):
        await publisher.publish(EVENT)
