"""What the use cases need of a storage of posts."""

from datetime import datetime
from typing import Protocol

from app.domain.model.paging import Page, Position
from app.domain.model.posts import NewPost, Post, PostQuery, PostWithFeatures


class PostRepository(Protocol):
    """Posts, however stored. Every method may raise Unavailable when the storage does not answer.

    Text is compared and sorted by code point; a title filter is a case-sensitive "contains".
    """

    async def find(self, post_id: int) -> Post | None:
        """The post with this id, if there is one."""
        ...

    async def find_with_features(self, post_id: int) -> PostWithFeatures | None:
        """The post and all its features (by id), as they stood in one and the same moment."""
        ...

    async def page(self, query: PostQuery) -> Page[Post]:
        """The posts at `query.offset`, with the total of all that match; `query.cursor` is ignored."""
        ...

    async def page_after(self, query: PostQuery, position: Position, limit: int) -> list[Post]:
        """At most `limit` matching posts that follow `position` in the query's order; offset is ignored."""
        ...

    async def add(self, new: NewPost, created_at: datetime) -> Post:
        """Store a post as version 1 and give it an id; its features are not stored. Raises TitleTaken."""
        ...

    async def save(self, post_id: int, new: NewPost, version: int | None) -> Post:
        """Replace a post's title, content and data, if it still has this version (None: whichever it has).

        Its version goes up by one; its features stay. Raises PostNotFound, PostChanged, TitleTaken.
        """
        ...

    async def remove(self, post_id: int, version: int | None) -> None:
        """Remove a post and its features, if it still has this version. Raises PostNotFound, PostChanged."""
        ...
