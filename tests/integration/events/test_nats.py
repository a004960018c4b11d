"""Events in a stream of a real NATS server: stored before they count as delivered, whatever the server does."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from nats.aio.client import Client

from app.adapters.config.secret import Dsn
from app.adapters.events.nats import NatsPublisher
from app.adapters.events.settings import NatsSettings
from app.domain.errors import Unavailable
from app.domain.model.events import Event, post_published, post_removed
from app.ports.events import EventRefused
from tests.builders import SOME_MOMENT, a_post
from tests.processes import free_port
from tests.servers.kinds import Server, server
from tests.servers.nats import NATS


def settings_for(url: str, stream: str) -> NatsSettings:
    return NatsSettings(url=Dsn(url), stream=stream, subject=stream)


@asynccontextmanager
async def publishing(url: str, stream: str, seconds: float = 2.0) -> AsyncIterator[NatsPublisher]:
    publisher = NatsPublisher(settings_for(url, stream), seconds)
    await publisher.open()
    try:
        yield publisher
    finally:
        await publisher.close()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Client]:
    client = Client()
    await client.connect(url)
    try:
        yield client
    finally:
        await client.close()


async def stored(url: str, stream: str) -> list[tuple[str, dict[str, str], object]]:
    """All that a stream holds: subject, headers and body of each message."""
    async with connected(url) as client:
        manager = client.jsm()
        count = (await manager.stream_info(stream)).state.messages
        found = [await manager.get_msg(stream, number) for number in range(1, count + 1)]
        return [(each.subject or "", each.headers or {}, json.loads(each.data or b"")) for each in found]


@pytest.fixture
def private() -> Iterator[Server]:
    """A server that the test may ill-treat."""
    with server(NATS, private=True) as started:
        yield started


def an_event(post_id: int = 1) -> Event:
    return post_published(a_post(post_id), SOME_MOMENT)


async def test_an_event_is_in_the_stream_with_its_id(nats_server: Server) -> None:
    event = an_event()
    async with publishing(nats_server.dsn, "ids") as publisher:
        await publisher.publish(event)
    assert await stored(nats_server.dsn, "ids") == [
        (
            "ids.post.published",
            {"Nats-Msg-Id": event.id, "Nats-Expected-Stream": "ids"},
            {
                "id": event.id,
                "type": "post.published",
                "post_id": 1,
                "occurred_at": "2026-03-14T15:09:26.535000Z",
                "payload": {"title": "A title", "version": 1},
            },
        )
    ]


async def test_an_event_that_is_sent_twice_is_stored_once(nats_server: Server) -> None:
    event = an_event()
    for _ in range(2):
        async with publishing(nats_server.dsn, "twice") as publisher:
            await publisher.publish(event)
            await publisher.publish(post_removed(2, SOME_MOMENT))
    subjects = [subject for subject, _, _ in await stored(nats_server.dsn, "twice")]
    assert subjects == ["twice.post.published", "twice.post.removed", "twice.post.removed"]


async def test_a_stream_that_is_there_is_left_as_it_is(nats_server: Server) -> None:
    async with connected(nats_server.dsn) as client:
        await client.jsm().add_stream(name="given", subjects=["given.>"], max_msgs=7)
        async with publishing(nats_server.dsn, "given") as publisher:
            await publisher.publish(an_event())
        assert (await client.jsm().stream_info("given")).config.max_msgs == 7


async def test_a_stream_that_takes_no_more_refuses_the_event(nats_server: Server) -> None:
    async with connected(nats_server.dsn) as client:
        await client.jsm().add_stream(name="small", subjects=["small.>"], max_msg_size=10)
    async with publishing(nats_server.dsn, "small") as publisher:
        with pytest.raises(EventRefused, match="small"):
            await publisher.publish(an_event())


async def test_nobody_at_the_address_is_told_without_the_password() -> None:
    url = f"nats://user:canary@127.0.0.1:{free_port()}"
    async with publishing(url, "nowhere") as publisher:
        with pytest.raises(Unavailable, match="APP_EVENTS__NATS__URL") as away:
            await publisher.publish(an_event())
    assert "canary" not in str(away.value)


async def test_a_server_that_was_away_takes_events_when_it_is_back(private: Server) -> None:
    assert private.process is not None
    async with publishing(private.dsn, "back") as publisher:
        await publisher.publish(an_event(1))
        await asyncio.to_thread(private.process.kill)
        with pytest.raises(Unavailable):
            await publisher.publish(an_event(2))
        await asyncio.to_thread(private.process.start)
        await publisher.publish(an_event(3))
    posts = [body["post_id"] for _, _, body in await stored(private.dsn, "back")]  # type: ignore[index]
    assert posts == [1, 3]


async def test_a_frozen_server_is_waited_for_as_long_as_is_set(private: Server) -> None:
    assert private.process is not None
    async with publishing(private.dsn, "frozen", seconds=0.5) as publisher:
        await publisher.publish(an_event(1))
        private.process.freeze()
        try:
            async with asyncio.timeout(10):
                for number in range(2):
                    with pytest.raises(Unavailable):
                        await publisher.publish(an_event(2 + number))
        finally:
            private.process.thaw()
        await publisher.publish(an_event(4))


async def test_a_stream_that_is_made_does_not_keep_everything_for_ever(nats_server: Server) -> None:
    async with publishing(nats_server.dsn, "aging") as publisher:
        await publisher.publish(an_event())
    async with connected(nats_server.dsn) as client:
        assert (await client.jsm().stream_info("aging")).config.max_age == 7 * 24 * 3600
