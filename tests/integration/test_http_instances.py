"""A client whose upstream has several instances, as discovery hands them out."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import attrs
import pytest

from app.domain.errors import Unavailable
from tests.processes import free_port
from tests.upstream.clients import Named, outbound
from tests.upstream.faulty import Fault, FaultyUpstream, faulty_upstream, json, slow


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with faulty_upstream() as started:
        yield started


@attrs.define
class WatchedInstance:
    url: str
    failures: int = 0

    def failed(self) -> None:
        self.failures += 1


@attrs.define
class WatchedUpstream:
    """Hands out its instances in turn, and knows which of them are in use."""

    instances: list[WatchedInstance]
    picked: int = 0
    in_use: int = 0

    @contextmanager
    def pick(self) -> Iterator[WatchedInstance]:
        instance = self.instances[self.picked % len(self.instances)]
        self.picked += 1
        self.in_use += 1
        try:
            yield instance
        finally:
            self.in_use -= 1


async def test_each_attempt_picks_an_instance_and_tells_when_it_fails(upstream: FaultyUpstream) -> None:
    dead = WatchedInstance(f"http://127.0.0.1:{free_port()}")
    watched = WatchedUpstream([dead, WatchedInstance(upstream.url)])
    async with outbound(watched) as client:
        assert await client.send() == Named("well")
    assert (watched.picked, watched.in_use) == (2, 0)
    assert [instance.failures for instance in watched.instances] == [1, 0]


@pytest.mark.parametrize(
    ("answer", "failures"), [(json({}, 500), 1), (slow(30), 1), (json({}, 429), 0), (json({}, 403), 0)]
)
async def test_an_instance_is_blamed_for_what_another_might_do_better(
    upstream: FaultyUpstream, answer: Fault, failures: int
) -> None:
    upstream.answer = answer
    watched = WatchedUpstream([WatchedInstance(upstream.url)])
    async with outbound(watched, attempts=1, attempt_timeout=1) as client:
        with pytest.raises(Unavailable):
            await client.send()
    assert (watched.instances[0].failures, watched.in_use) == (failures, 0)
