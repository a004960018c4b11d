"""The samples of a first run."""

import pytest

from app.adapters.memory.store import MemoryStore
from app.domain.model.posts import PostQuery
from app.domain.services.posts import PostService
from app.entrypoints.samples import SAMPLES, put_samples
from tests.builders import FixedClock, a_new_post


@pytest.fixture
def posts() -> PostService:
    store = MemoryStore()
    return PostService(store.posts, store.transactions, FixedClock())


async def test_an_empty_storage_gets_the_samples_once(posts: PostService) -> None:
    assert [await put_samples(posts), await put_samples(posts)] == [len(SAMPLES), 0]
    page = await posts.page(PostQuery())
    assert {post.title for post in page.items} == {sample.title for sample in SAMPLES}


async def test_a_storage_in_use_gets_none(posts: PostService) -> None:
    await posts.publish(a_new_post("Mine"))
    assert await put_samples(posts) == 0
    assert (await posts.page(PostQuery())).total == 1


async def test_the_samples_show_features_that_are_on_and_off(posts: PostService) -> None:
    await put_samples(posts)
    states = {feature.is_active for sample in SAMPLES for feature in sample.features}
    assert states == {True, False}
