"""Posts in memory."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import attrs

from app.adapters.memory.tables import Tables, private
from app.adapters.storage_errors import no_post, post_changed, title_taken
from app.domain.model.paging import Page, Position
from app.domain.model.posts import (
    NewPost,
    Post,
    PostQuery,
    PostWithFeatures,
    position_of,
)

Change = Callable[[], AbstractAsyncContextManager[Tables]]


class MemoryPostRepository:
    """The port `PostRepository` in memory."""

    def __init__(self, tables: Callable[[], Tables], change: Change) -> None:
        self._tables = tables
        self._change = change

    async def find(self, post_id: int) -> Post | None:
        post = self._tables().posts.get(post_id)
        return private(post) if post is not None else None

    async def find_with_features(self, post_id: int) -> PostWithFeatures | None:
        tables = self._tables()
        post = tables.posts.get(post_id)
        if post is None:
            return None
        features = list(tables.features.get(post_id, ()))
        return PostWithFeatures(**attrs.asdict(private(post), recurse=False), features=features)

    async def page(self, query: PostQuery) -> Page[Post]:
        found = self._matching(query)
        items = [private(post) for post in found[query.offset : query.offset + query.limit]]
        return Page(items, query.limit, query.offset, len(found))

    async def page_after(self, query: PostQuery, position: Position, limit: int) -> list[Post]:
        bound = (position.value, position.id)
        ascending = query.sort_dir == "asc"
        # Values of one order are all text or all integers.
        found = [
            post
            for post in self._matching(query)
            if (_key(post, query) > bound) is ascending and _key(post, query) != bound
        ]
        return [private(post) for post in found[:limit]]

    async def add(self, new: NewPost, created_at: datetime) -> Post:
        async with self._change() as tables:
            _refuse_taken(tables, new.title, None)
            post = private(Post(tables.next_post_id(), new.title, new.content, new.additional_data, created_at, 1))
            tables.posts[post.id] = post
            return private(post)

    async def save(self, post_id: int, new: NewPost, version: int | None) -> Post:
        async with self._change() as tables:
            stored = _current(tables, post_id, version)
            _refuse_taken(tables, new.title, post_id)
            post = private(
                attrs.evolve(
                    stored,
                    title=new.title,
                    content=new.content,
                    additional_data=new.additional_data,
                    version=stored.version + 1,
                )
            )
            tables.posts[post_id] = post
            return private(post)

    async def remove(self, post_id: int, version: int | None) -> None:
        async with self._change() as tables:
            _current(tables, post_id, version)
            del tables.posts[post_id]
            tables.features.pop(post_id, None)

    def _matching(self, query: PostQuery) -> list[Post]:
        found = [post for post in self._tables().posts.values() if query.title is None or query.title in post.title]
        return sorted(found, key=lambda post: _key(post, query), reverse=query.sort_dir == "desc")


def _key(post: Post, query: PostQuery) -> tuple[str | int, int]:
    position = position_of(post, query.sort)
    return (position.value, position.id)


def _current(tables: Tables, post_id: int, version: int | None) -> Post:
    post = tables.posts.get(post_id)
    if post is None:
        raise no_post(post_id)
    if version is not None and post.version != version:
        raise post_changed()
    return post


def _refuse_taken(tables: Tables, title: str, post_id: int | None) -> None:
    if any(post.title == title and post.id != post_id for post in tables.posts.values()):
        raise title_taken()
