"""MongoDB without transactions: refused, unless its limits are accepted."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.single_document import SecondDocument
from app.adapters.mongo.storage import mongo_storage
from app.adapters.storage_errors import StorageRefused
from app.domain.errors import TransactionAborted
from app.domain.model.features import FeatureQuery
from app.domain.model.posts import PostChanged, PostNotFound, PostQuery, TitleTaken
from app.domain.services.posts import PostService
from app.ports.storage import Storage
from tests.builders import SOME_MOMENT, FixedClock, a_new_feature, a_new_post
from tests.mongo_databases import database, opened, settings
from tests.servers.kinds import Server

pytestmark = pytest.mark.xdist_group("mongo")


@pytest.fixture
def dsn(mongo_standalone_server: Server) -> Iterator[str]:
    with database(mongo_standalone_server.dsn) as made:
        yield made


@pytest.fixture
async def storage(dsn: str) -> AsyncIterator[Storage]:
    async with opened(primary=settings(dsn, single_document=True)) as pools:
        yield mongo_storage(pools, {})


async def stored(storage: Storage) -> tuple[int | None, int | None]:
    features = await storage.features.page(FeatureQuery(include_inactive=True))
    return (await storage.posts.page(PostQuery())).total, features.total


async def test_a_standalone_server_is_refused_with_what_to_do(dsn: str) -> None:
    with pytest.raises(StorageRefused) as refused:
        await MongoPool("primary", settings(dsn)).open()
    assert "--replSet" in str(refused.value)
    assert "APP_MONGO__PRIMARY__SINGLE_DOCUMENT=true" in str(refused.value)


async def test_the_use_cases_of_posts_need_no_more(storage: Storage) -> None:
    posts = PostService(storage.posts, storage.transactions, FixedClock())
    post = await posts.publish(a_new_post(features=[a_new_feature(), a_new_feature("likes")]))
    edited = await posts.edit(post.id, a_new_post("Edited", features=[a_new_feature("new")]), 1)
    assert await posts.get(post.id) == edited
    assert (edited.version, await stored(storage)) == (2, (1, 1))


async def test_nothing_is_seen_before_the_end(storage: Storage) -> None:
    async with storage.transactions.begin() as work:
        post = await work.posts.add(a_new_post(), SOME_MOMENT)
        features = await work.features.add(post.id, [a_new_feature()])
        found = await work.posts.find_with_features(post.id)
        assert found is not None
        assert (await work.posts.find(post.id), found.features) == (post, features)
        assert await stored(storage) == (0, 0)
    assert await stored(storage) == (1, 1)


async def test_an_exception_undoes_everything(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post("Before"), SOME_MOMENT)
    with pytest.raises(ZeroDivisionError):
        async with storage.transactions.begin() as work:
            await work.posts.save(post.id, a_new_post("After"), 1)
            await work.features.add(post.id, [a_new_feature()])
            raise ZeroDivisionError
    assert await storage.posts.find(post.id) == post


async def test_a_cancellation_undoes_everything(storage: Storage) -> None:
    async def unit() -> None:
        async with storage.transactions.begin() as work:
            await work.posts.add(a_new_post(), SOME_MOMENT)
            await asyncio.Event().wait()

    task = asyncio.create_task(unit())
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    assert await stored(storage) == (0, 0)


async def test_a_second_post_is_refused(storage: Storage) -> None:
    with pytest.raises(SecondDocument):
        async with storage.transactions.begin() as work:
            await work.posts.add(a_new_post("One"), SOME_MOMENT)
            await work.posts.add(a_new_post("Other"), SOME_MOMENT)
    assert await stored(storage) == (0, 0)


async def test_a_unit_that_somebody_overtook_is_aborted(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post(), SOME_MOMENT)
    for overtake in (
        lambda: storage.posts.save(post.id, a_new_post("Faster"), None),
        lambda: storage.features.add(post.id, [a_new_feature("faster")]),
    ):
        with pytest.raises(TransactionAborted):
            async with storage.transactions.begin() as work:
                await work.posts.save(post.id, a_new_post("Slower"), None)
                await overtake()
    found = await storage.posts.find_with_features(post.id)
    assert found is not None
    assert (found.title, len(found.features)) == ("Faster", 1)


async def test_of_twenty_who_edit_one_post_each_one_is_counted(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post(), SOME_MOMENT)
    posts = PostService(storage.posts, storage.transactions, FixedClock())
    edits = (posts.edit(post.id, a_new_post(f"By {number}"), None) for number in range(20))
    outcomes = await asyncio.gather(*edits, return_exceptions=True)
    done = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    found = await storage.posts.find(post.id)
    assert found is not None
    assert found.version == 1 + len(done) > 1


async def test_a_unit_can_remove_a_post(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post(), SOME_MOMENT)
    async with storage.transactions.begin() as work:
        await work.posts.remove(post.id, 1)
        assert await work.posts.find(post.id) is None
        with pytest.raises(PostNotFound):
            await work.features.add(post.id, [])
    assert await stored(storage) == (0, 0)


async def test_what_is_refused_is_refused_as_elsewhere(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post("Taken"), SOME_MOMENT)
    for kind, version, title in ((PostChanged, 7, "Free"), (PostNotFound, None, "Free")):
        with pytest.raises(kind):
            async with storage.transactions.begin() as work:
                await work.posts.save(post.id if version else 4711, a_new_post(title), version)
    with pytest.raises(TitleTaken):
        async with storage.transactions.begin() as work:
            await work.posts.add(a_new_post("Taken"), SOME_MOMENT)
