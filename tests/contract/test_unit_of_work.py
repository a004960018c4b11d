"""What every unit of work promises (ports/unit_of_work.py): all or nothing, and nothing half done to be seen."""

import asyncio

import pytest

from app.domain.model.features import FeatureQuery
from app.domain.model.posts import PostNotFound, PostQuery, TitleTaken
from app.ports.storage import Storage
from tests.builders import SOME_MOMENT, a_new_feature, a_new_post


async def stored(storage: Storage) -> tuple[int | None, int | None]:
    """How many posts and features there are."""
    posts = await storage.posts.page(PostQuery())
    features = await storage.features.page(FeatureQuery(include_inactive=True))
    return posts.total, features.total


async def test_a_clean_exit_makes_all_writes_visible(storage: Storage) -> None:
    async with storage.transactions.begin() as work:
        post = await work.posts.add(a_new_post(), SOME_MOMENT)
        await work.features.add(post.id, [a_new_feature(), a_new_feature("likes")])
    assert await stored(storage) == (1, 2)


async def test_a_unit_of_work_reads_what_it_wrote(storage: Storage) -> None:
    async with storage.transactions.begin() as work:
        post = await work.posts.add(a_new_post(), SOME_MOMENT)
        assert await work.posts.find(post.id) == post


async def test_nothing_is_seen_before_the_commit(storage: Storage) -> None:
    async with storage.transactions.begin() as work:
        await work.posts.add(a_new_post(), SOME_MOMENT)
        assert await stored(storage) == (0, 0)


async def test_an_exception_undoes_everything(storage: Storage) -> None:
    with pytest.raises(ZeroDivisionError):
        async with storage.transactions.begin() as work:
            post = await work.posts.add(a_new_post(), SOME_MOMENT)
            await work.features.add(post.id, [a_new_feature()])
            raise ZeroDivisionError
    assert await stored(storage) == (0, 0)


async def test_a_refused_write_undoes_those_before_it(storage: Storage) -> None:
    await storage.posts.add(a_new_post("Taken"), SOME_MOMENT)
    with pytest.raises(TitleTaken):
        async with storage.transactions.begin() as work:
            await work.posts.add(a_new_post("Free"), SOME_MOMENT)
            await work.posts.add(a_new_post("Taken"), SOME_MOMENT)
    assert await stored(storage) == (1, 0)


async def test_a_cancellation_in_the_middle_undoes_everything(storage: Storage) -> None:
    written = asyncio.Event()

    async def unit() -> None:
        async with storage.transactions.begin() as work:
            await work.posts.add(a_new_post(), SOME_MOMENT)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(unit())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await stored(storage) == (0, 0)
    await storage.posts.add(a_new_post("Still works"), SOME_MOMENT)


async def test_cancelled_at_any_point_it_leaves_all_or_nothing(storage: Storage) -> None:
    async def unit(title: str) -> None:
        async with storage.transactions.begin() as work:
            post = await work.posts.add(a_new_post(title), SOME_MOMENT)
            await work.features.add(post.id, [a_new_feature()])

    for turns in range(25):
        task = asyncio.create_task(unit(f"Cancelled after {turns}"))
        for _ in range(turns):
            await asyncio.sleep(0.0001)
        task.cancel()
        await asyncio.wait([task])
    posts, features = await stored(storage)
    assert posts == features
    await unit("Afterwards")


async def test_two_units_on_one_row_happen_one_after_the_other(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post(), SOME_MOMENT)

    async def unit(name: str) -> None:
        async with storage.transactions.begin() as work:
            saved = await work.posts.save(post.id, a_new_post(name), None)
            await asyncio.sleep(0.01)
            await work.features.replace(post.id, [a_new_feature(name), a_new_feature(str(saved.version))])

    await asyncio.gather(unit("one"), unit("two"))
    found = await storage.posts.find_with_features(post.id)
    assert found is not None
    assert found.version == 3
    assert [feature.feature_name for feature in found.features] == [found.title, "3"]


async def test_features_of_a_post_removed_in_the_same_unit_are_refused(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post(), SOME_MOMENT)
    with pytest.raises(PostNotFound):
        async with storage.transactions.begin() as work:
            await work.posts.remove(post.id, None)
            await work.features.add(post.id, [a_new_feature()])
    assert await stored(storage) == (1, 0)
