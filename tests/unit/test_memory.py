"""What the memory storage is beside the ports that its contract tests try: a stand-in for a pool and its schema."""

import asyncio

import pytest

from app.adapters.memory.store import MemoryStore
from app.adapters.memory.tables import Tables, private
from app.domain.model.posts import PostQuery
from tests.builders import SOME_MOMENT, a_feature, a_new_post, a_post


def test_a_draft_shares_nothing_that_changes() -> None:
    tables = Tables({1: a_post(1)}, {1: [a_feature(1)]}, last_post_id=1)
    draft = tables.draft()
    draft.posts[draft.next_post_id()] = a_post(2)
    draft.features[1].append(a_feature(2))
    assert (list(tables.posts), tables.features, tables.last_post_id) == ([1], {1: [a_feature(1)]}, 1)


def test_a_private_copy_is_deep() -> None:
    post = a_post(additional_data={"a": [1]})
    copy = private(post)
    assert copy == post
    copy.additional_data["a"].append(2)  # type: ignore[attr-defined]  # it is the list above
    assert post.additional_data == {"a": [1]}


async def test_it_stands_in_for_a_pool_that_is_well() -> None:
    store = MemoryStore()
    await store.open()
    await store.ping()
    assert (await store.missing(), store.usage().waiting, store.name) == ([], 0, "memory")
    await store.close()


async def test_a_waiting_unit_that_is_cancelled_lets_the_next_one_in() -> None:
    store = MemoryStore()

    async def write(title: str) -> None:
        async with store.begin() as work:
            await work.posts.add(a_new_post(title), SOME_MOMENT)

    async with store.begin():
        waiting = asyncio.create_task(write("Cancelled"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await write("Next")
    assert [post.title for post in (await store.posts.page(PostQuery())).items] == ["Next"]
