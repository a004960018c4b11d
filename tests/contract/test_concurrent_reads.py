"""Many reads at once give what each alone would give, however a storage puts them together."""

import asyncio

from app.domain.model.paging import SortDir
from app.domain.model.posts import NewPost, PostQuery, PostSort
from app.ports.storage import Storage
from tests.builders import SOME_MOMENT, a_new_feature, a_new_post


async def add(storage: Storage, number: int) -> int:
    """A post with as many features as its number ends in, up to 3."""
    post = await storage.posts.add(a_new_post(f"Title {number}", f"Content {number}"), SOME_MOMENT)
    await storage.features.add(post.id, [a_new_feature(f"feature {each}") for each in range(number % 4)])
    return post.id


async def test_each_of_many_readers_gets_its_own_post_with_all_its_features(storage: Storage) -> None:
    ids = {await add(storage, number): number for number in range(12)}
    wanted = [*ids, *ids, *ids, 10**12]
    found = await asyncio.gather(*map(storage.posts.find_with_features, wanted))
    assert found.pop() is None
    for id_, post in zip(wanted, found, strict=False):
        number = ids[id_]
        assert post is not None
        assert (post.id, post.title, post.content) == (id_, f"Title {number}", f"Content {number}")
        assert [each.feature_name for each in post.features] == [f"feature {each}" for each in range(number % 4)]


async def test_readers_of_one_post_share_nothing_that_one_of_them_could_change(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post("Shared", additional_data={"list": [1]}), SOME_MOMENT)
    found = await asyncio.gather(*[storage.posts.find_with_features(post.id) for _ in range(10)])
    for each in found:
        assert each is not None
        each.additional_data["list"] = "changed"
        each.features.append(...)  # type: ignore[arg-type] # whatever it is, nobody else may see it
    again = await storage.posts.find_with_features(post.id)
    assert again is not None
    assert (again.additional_data, again.features) == ({"list": [1]}, [])
    assert (
        len({id(each.additional_data) for each in found if each})
        == len({id(each.features) for each in found if each})
        == 10
    )


async def test_everyone_reads_what_it_has_just_written_while_others_read_the_same(storage: Storage) -> None:
    post = await storage.posts.add(a_new_post("Version 1"), SOME_MOMENT)

    async def write_and_read(number: int) -> None:
        saved = await storage.posts.save(post.id, NewPost(f"Writer {number}", ""), None)
        found = await storage.posts.find_with_features(post.id)
        assert found is not None
        assert found.version >= saved.version

    async def read() -> None:
        for _ in range(20):
            await storage.posts.find_with_features(post.id)

    await asyncio.gather(*map(write_and_read, range(10)), *[read() for _ in range(10)])


async def test_many_pages_at_once_are_what_each_is_alone(storage: Storage) -> None:
    for number in range(9):
        await storage.posts.add(a_new_post(f"Title {number}"), SOME_MOMENT)
    queries = [
        PostQuery(limit=limit, offset=offset, sort=sort, sort_dir=sort_dir)
        for sort in PostSort
        for sort_dir in SortDir
        for limit, offset in ((1, 0), (4, 0), (4, 4), (4, 8), (4, 12), (100, 0), (4, 2000), (4, 4))
    ]
    alone = [await storage.posts.page(query) for query in queries]
    assert {page.total for page in alone} == {9}
    assert await asyncio.gather(*map(storage.posts.page, queries)) == alone


async def test_a_page_holds_what_its_reader_has_just_added(storage: Storage) -> None:
    async def add_and_list(number: int) -> None:
        added = await storage.posts.add(a_new_post(f"Title {number}"), SOME_MOMENT)
        page = await storage.posts.page(PostQuery(limit=100, sort=PostSort.ID))
        assert added.id in [post.id for post in page.items]
        assert page.total == len(page.items)

    await asyncio.gather(*map(add_and_list, range(20)))
