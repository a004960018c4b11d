"""Lists of posts: the same order and the same pages on every storage."""

import asyncio
from datetime import timedelta

import pytest

from app.domain.model.paging import INT64_MAX, SortDir
from app.domain.model.posts import Post, PostQuery, PostSort, position_of
from app.ports.storage import Storage
from tests.builders import SOME_MOMENT, a_new_post

# Sorted by code point, which is neither what a locale does, nor what ignoring case does.
TITLES = ["!", "A", "B", "Z", "_", "a", "b", "zz", "~", "ä", "ß", "е", "中", "😀", "𠮷", "Aa", "aA", "10", "9", " x"]


async def fill(storage: Storage) -> list[Post]:
    """Posts of which two at a time are equally old."""
    posts = []
    for number, title in enumerate(TITLES):
        moment = SOME_MOMENT + timedelta(milliseconds=number // 2)
        posts.append(await storage.posts.add(a_new_post(title, ""), moment))
    return posts


def expected(posts: list[Post], query: PostQuery) -> list[int]:
    keys = {
        PostSort.CREATED_AT: lambda post: (post.created_at, post.id),
        PostSort.TITLE: lambda post: (post.title, post.id),
        PostSort.ID: lambda post: post.id,
    }
    in_order = sorted(posts, key=keys[query.sort], reverse=query.sort_dir is SortDir.DESC)
    return [post.id for post in in_order]


def ids(posts: list[Post]) -> list[int]:
    return [post.id for post in posts]


@pytest.mark.parametrize("sort", PostSort)
@pytest.mark.parametrize("sort_dir", SortDir)
async def test_every_order_is_by_code_point_and_then_by_id(storage: Storage, sort: PostSort, sort_dir: SortDir) -> None:
    posts = await fill(storage)
    query = PostQuery(limit=100, sort=sort, sort_dir=sort_dir)
    assert ids((await storage.posts.page(query)).items) == expected(posts, query)


@pytest.mark.parametrize("sort", PostSort)
@pytest.mark.parametrize("sort_dir", SortDir)
async def test_following_positions_visits_each_post_once(storage: Storage, sort: PostSort, sort_dir: SortDir) -> None:
    posts = await fill(storage)
    query = PostQuery(limit=3, sort=sort, sort_dir=sort_dir)
    visited = (await storage.posts.page(query)).items
    while found := await storage.posts.page_after(query, position_of(visited[-1], sort), 3):
        visited += found
    assert ids(visited) == expected(posts, query)


async def test_a_page_has_the_total_of_all_that_match(storage: Storage) -> None:
    posts = await fill(storage)
    page = await storage.posts.page(PostQuery(limit=5, offset=10))
    assert (page.limit, page.offset, page.total, len(page.items)) == (5, 10, len(posts), 5)


async def test_an_empty_storage_has_an_empty_page(storage: Storage) -> None:
    page = await storage.posts.page(PostQuery())
    assert (page.items, page.total) == ([], 0)


@pytest.mark.parametrize("offset", [20, 21, 2**31, INT64_MAX])
async def test_behind_the_end_there_is_only_the_total(storage: Storage, offset: int) -> None:
    await fill(storage)
    page = await storage.posts.page(PostQuery(offset=offset))
    assert (page.items, page.total) == ([], len(TITLES))


@pytest.mark.parametrize(
    ("part", "found"),
    [("a", ["a", "Aa", "aA", "$a"]), ("A", ["A", "Aa", "aA"]), ("%", ["100%"]), ("_", ["_"]), (".*", [".*x"]),
     ("\\", ["b\\c"]), ("[", ["[0]"]), ("$", ["$a"]), ("😀", ["😀"]), ("nowhere", [])],
)  # fmt: skip
async def test_a_title_filter_takes_every_character_for_itself(storage: Storage, part: str, found: list[str]) -> None:
    await fill(storage)
    for title in ("100%", ".*x", "b\\c", "[0]", "$a"):
        await storage.posts.add(a_new_post(title), SOME_MOMENT)
    page = await storage.posts.page(PostQuery(limit=100, title=part, sort=PostSort.ID, sort_dir=SortDir.ASC))
    assert sorted(post.title for post in page.items) == sorted(found)
    assert page.total == len(found)


async def test_a_filter_holds_for_the_pages_that_follow(storage: Storage) -> None:
    await fill(storage)
    query = PostQuery(limit=1, title="a", sort=PostSort.ID, sort_dir=SortDir.ASC)
    first = (await storage.posts.page(query)).items[0]
    rest = await storage.posts.page_after(query, position_of(first, PostSort.ID), 10)
    assert [post.title for post in rest] == ["Aa", "aA"]


async def test_inserts_neither_skip_nor_repeat_posts_for_who_follows_positions(storage: Storage) -> None:
    posts = await fill(storage)
    query = PostQuery(limit=2)
    visited = (await storage.posts.page(query)).items
    number = 0
    while found := await storage.posts.page_after(query, position_of(visited[-1], query.sort), 2):
        visited += found
        number += 1
        await storage.posts.add(a_new_post(f"Meanwhile {number}"), SOME_MOMENT + timedelta(hours=number))
    assert ids(visited) == expected(posts, query)


async def test_readers_beside_a_writer_see_whole_pages(storage: Storage) -> None:
    async def write() -> None:
        for number in range(30):
            await storage.posts.add(a_new_post(f"Written {number}"), SOME_MOMENT + timedelta(seconds=number))

    async def read() -> None:
        for _ in range(30):
            page = await storage.posts.page(PostQuery(limit=100))
            assert page.total == len(page.items) == len(set(ids(page.items)))

    await asyncio.gather(write(), read(), read())
