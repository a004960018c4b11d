"""MongoDB frozen, killed and started again: no call hangs, and soon afterwards all is well."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from app.adapters.mongo.documents import PooledDocuments
from app.adapters.mongo.features import MongoFeatureRepository
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.mongo.unit_of_work import MongoTransactions
from app.adapters.named_pools import NamedPools
from app.domain.errors import Unavailable
from app.domain.model.features import FeatureQuery
from app.domain.model.posts import NewPost, PostQuery
from app.domain.services.posts import PostService
from tests.builders import SOME_MOMENT, FixedClock, a_new_feature, a_new_post
from tests.mongo_databases import database, opened, request, settings
from tests.servers.kinds import Server, server
from tests.servers.mongo import MONGO
from tests.servers.process import ServerProcess

pytestmark = pytest.mark.xdist_group("mongo")

DEADLINE = 1.5
SLACK = 0.5


@pytest.fixture(scope="module")
def private() -> Iterator[Server]:
    with server(MONGO, private=True) as started:
        if started.process is None:
            pytest.skip("A container's processes are out of reach.")
        yield started


@pytest.fixture
def process(private: Server) -> ServerProcess:
    assert private.process is not None
    return private.process


@pytest.fixture
async def pools(private: Server) -> AsyncIterator[NamedPools[MongoPool]]:
    with database(private.dsn) as dsn:
        async with opened(primary=settings(dsn)) as found:
            yield found


@pytest.fixture
def posts(pools: NamedPools[MongoPool]) -> PostService:
    return PostService(MongoPostRepository(PooledDocuments(pools)), MongoTransactions(pools), FixedClock())


async def one_request(posts: PostService, number: int) -> float:
    """Read or write under a deadline; how late it was."""
    clock = asyncio.get_running_loop().time
    with request(DEADLINE) as context:
        try:
            if number % 2:
                await posts.publish(a_new_post(f"Post {number} at {clock()}", features=[a_new_feature()]))
            else:
                await posts.page(PostQuery())
        except Unavailable:
            pass
        return clock() - context.deadline


async def well_within(posts: PostService, seconds: float, new: NewPost) -> None:
    """A write goes through within this time, which doesn't count how long the machine takes to start a server."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                await posts.publish(new)
                return
            except Unavailable:
                await asyncio.sleep(0.02)


async def all_at_rest(pools: NamedPools[MongoPool]) -> None:
    async with asyncio.timeout(6):
        while pools.primary.usage().in_use:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


async def test_a_frozen_server_keeps_nobody_beyond_the_deadline(
    pools: NamedPools[MongoPool], posts: PostService, process: ServerProcess
) -> None:
    await posts.publish(a_new_post("Before"))
    process.freeze()
    try:
        late = [await asyncio.gather(*(one_request(posts, turn * 20 + n) for n in range(20))) for turn in range(2)]
    finally:
        process.thaw()
    assert max(max(turn) for turn in late) < SLACK
    await well_within(posts, 1, a_new_post("Afterwards"))
    await all_at_rest(pools)


async def test_a_server_that_was_killed_is_found_again(
    pools: NamedPools[MongoPool], posts: PostService, process: ServerProcess
) -> None:
    kept = await posts.publish(a_new_post("Before", features=[a_new_feature()]))
    process.kill()
    late = await asyncio.gather(*(one_request(posts, number) for number in range(20)))
    assert max(late) < SLACK
    await asyncio.to_thread(process.start)
    await well_within(posts, 1, a_new_post("Afterwards"))
    assert await posts.get(kept.id) == kept
    await all_at_rest(pools)


async def test_a_server_that_dies_in_the_middle_loses_nothing_that_it_acknowledged(
    pools: NamedPools[MongoPool], posts: PostService, process: ServerProcess
) -> None:
    acknowledged: list[str] = []

    async def write(writer: int) -> None:
        for number in range(1000):
            title = f"{writer}.{number}"
            try:
                with request(DEADLINE):
                    await posts.publish(a_new_post(title, features=[a_new_feature(title)]))
            except Unavailable:
                return
            acknowledged.append(title)

    writers = [asyncio.create_task(write(number)) for number in range(6)]
    await asyncio.sleep(0.5)
    await asyncio.to_thread(process.kill)
    await asyncio.gather(*writers)
    await asyncio.to_thread(process.start)
    await well_within(posts, 5, a_new_post("Afterwards"))
    assert acknowledged
    for title in acknowledged:
        (found,) = [post for post in (await posts.page(PostQuery(title=title, limit=100))).items if post.title == title]
        assert [feature.feature_name for feature in (await posts.get(found.id)).features] == [title]
    features = await MongoFeatureRepository(PooledDocuments(pools)).page(FeatureQuery())
    assert features.total == (await posts.page(PostQuery())).total - 1  # type: ignore[operator]  # a page has a total


async def test_closing_in_front_of_a_frozen_server_stops_nobody_else(private: Server, process: ServerProcess) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    with database(private.dsn) as dsn:
        async with opened(primary=settings(dsn)) as pools:
            await MongoPostRepository(PooledDocuments(pools)).add(a_new_post(), SOME_MOMENT)
            process.freeze()
            working = asyncio.create_task(others())
            try:
                await pools.primary.close()
            finally:
                process.thaw()
                working.cancel()
            assert turns > 10
