"""What can be done with posts."""

from collections.abc import Callable
from datetime import datetime

import attrs

from app.domain.errors import Invalid
from app.domain.model.events import post_edited, post_published, post_removed
from app.domain.model.features import Feature
from app.domain.model.paging import Page, decode_cursor, encode_cursor
from app.domain.model.posts import NewPost, Post, PostNotFound, PostQuery, PostWithFeatures, position_of
from app.ports.posts import PostRepository
from app.ports.unit_of_work import Transactions, Work, run_repeatable


class CursorWithOffset(Invalid):
    """A page is asked for by cursor and by offset at once."""

    code = "CURSOR_WITH_OFFSET"


@attrs.frozen
class PostService:
    """The use cases of posts. `now` tells the time, aware and in UTC."""

    posts: PostRepository
    transactions: Transactions
    now: Callable[[], datetime]

    async def page(self, query: PostQuery) -> Page[Post]:
        """A page of posts, by cursor if one is given, with the cursor of the page that follows."""
        if query.cursor is not None:
            return await self._page_after(query, query.cursor)
        page = await self.posts.page(query)
        is_last = page.total is None or query.offset + len(page.items) >= page.total
        if is_last or not page.items:
            return page
        return Page(page.items, page.limit, page.offset, page.total, _cursor_after(page.items[-1], query))

    async def _page_after(self, query: PostQuery, cursor: str) -> Page[Post]:
        if query.offset:
            raise CursorWithOffset("Give a cursor or an offset, not both.", field_name="offset")
        position = decode_cursor(query.order, cursor, query.sort.value_type)
        found = await self.posts.page_after(query, position, query.limit + 1)
        items = found[: query.limit]
        has_more = len(found) > query.limit
        return Page(items, query.limit, next_cursor=_cursor_after(items[-1], query) if has_more else None)

    async def get(self, post_id: int, *, include_inactive: bool = False) -> PostWithFeatures:
        """A post with its active features, or with all of them. Raises PostNotFound."""
        post = await self.posts.find_with_features(post_id)
        if post is None:
            raise PostNotFound(f"There is no post {post_id}.")
        if include_inactive or all(feature.is_active for feature in post.features):
            return post
        return attrs.evolve(post, features=[feature for feature in post.features if feature.is_active])

    async def publish(self, new: NewPost) -> PostWithFeatures:
        """Store a post and its features, all or nothing. Raises TitleTaken."""
        created_at = _in_milliseconds(self.now())

        async def unit(work: Work) -> PostWithFeatures:
            post = await work.posts.add(new, created_at)
            await work.events.add(post_published(post, created_at))
            return _with_features(post, await work.features.add(post.id, new.features))

        return await run_repeatable(self.transactions, unit)

    async def edit(self, post_id: int, new: NewPost, version: int | None) -> PostWithFeatures:
        """Replace a post and its features, if it still has the version that the caller knows.

        With `version` None, whichever version it has is replaced. Raises PostNotFound, PostChanged, TitleTaken.
        """

        async def unit(work: Work) -> PostWithFeatures:
            post = await work.posts.save(post_id, new, version)
            await work.events.add(post_edited(post, _in_milliseconds(self.now())))
            return _with_features(post, await work.features.replace(post_id, new.features))

        return await run_repeatable(self.transactions, unit)

    async def remove(self, post_id: int, version: int | None) -> None:
        """Remove a post and its features. Raises PostNotFound, and PostChanged if `version` is given and stale."""

        async def unit(work: Work) -> None:
            await work.posts.remove(post_id, version)
            await work.events.add(post_removed(post_id, _in_milliseconds(self.now())))

        await run_repeatable(self.transactions, unit)


def _with_features(post: Post, features: list[Feature]) -> PostWithFeatures:
    return PostWithFeatures(
        post.id, post.title, post.content, post.additional_data, post.created_at, post.version, features
    )


def _cursor_after(post: Post, query: PostQuery) -> str:
    return encode_cursor(query.order, position_of(post, query.sort))


def _in_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
