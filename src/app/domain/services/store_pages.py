"""What can be shown of the app stores: what another service knows, less what is blocked, with what is ours.

When that service is away, pages are made of its last good answers and say so.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from app.domain.model.posts import Post, PostQuery
from app.domain.model.store_pages import (
    AppNotFound,
    AppPage,
    BlockedApps,
    DeveloperNotFound,
    DeveloperPage,
    FeaturedPost,
    FeaturedPosts,
    Known,
    PostSource,
    Store,
    StorePost,
)
from app.domain.services.last_answers import LastAnswers
from app.domain.services.together import together
from app.ports.posts import PostRepository
from app.ports.store_pages import StorePages

FEATURED_MAX = 100
_APP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_DEVELOPER_ID = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class StorePageService:
    """The use cases of store pages. All raise Unavailable where there is neither an answer nor an old one."""

    def __init__(self, pages: StorePages, posts: PostRepository, now: Callable[[], datetime]) -> None:
        self._pages = pages
        self._posts = posts
        self._answers = LastAnswers(now)

    async def app_page(self, store: Store, app_id: str) -> AppPage:
        """An app. Raises AppNotFound, for a blocked one too."""
        if not _APP_ID.fullmatch(app_id):
            raise AppNotFound("The store has no such app.")
        pages, ask = self._pages, self._answers.ask
        async with together() as tasks:
            app = tasks.create_task(ask(("app", store, app_id), lambda: pages.app_data(store, app_id)))
            blocked = tasks.create_task(
                ask(("blocked", store, app_id), lambda: pages.blocked_apps(store, among=[app_id]))
            )
        if app_id in blocked.result().value:
            raise AppNotFound("The store has no such app.")
        return AppPage(app.result().value, *_age_of(app.result(), blocked.result()))

    async def developer_page(self, store: Store, developer_id: str) -> DeveloperPage:
        """A developer with the apps that are not blocked, all asked for at once. Raises DeveloperNotFound."""
        if not _DEVELOPER_ID.fullmatch(developer_id):
            raise DeveloperNotFound("The store has no such developer.")
        pages, ask, of = self._pages, self._answers.ask, (store, developer_id)
        async with together() as tasks:
            name = tasks.create_task(ask(("name", *of), lambda: pages.developer_name(*of)))
            context = tasks.create_task(ask(("context", *of), lambda: pages.developer_context(*of)))
            apps = tasks.create_task(ask(("apps", *of), lambda: pages.developer_apps(*of)))
            blocked = tasks.create_task(self._blocked(store))
        hidden = set(blocked.result().value)
        shown = [app for app in apps.result().value if app.id not in hidden]
        age = _age_of(name.result(), context.result(), apps.result(), blocked.result())
        return DeveloperPage(developer_id, name.result().value, context.result().value, shown, *age)

    async def featured_posts(self, store: Store, limit: int) -> FeaturedPosts:
        """At most `limit` posts, newest first: the store's and ours, ours in the place of a store's with its title."""
        async with together() as tasks:
            theirs = tasks.create_task(
                self._answers.ask(("featured", store), lambda: self._pages.featured_posts(store, FEATURED_MAX))
            )
            ours = tasks.create_task(self._posts.page(PostQuery(limit=limit)))
        merged = _merged(ours.result().items, theirs.result().value)
        return FeaturedPosts(merged[:limit], *_age_of(theirs.result()))

    async def blocked_apps(self, store: Store) -> BlockedApps:
        """The ids of all apps that are not to be shown."""
        known = await self._blocked(store)
        return BlockedApps(known.value, *_age_of(known))

    async def _blocked(self, store: Store) -> Known[list[str]]:
        return await self._answers.ask(("blocked", store), lambda: self._pages.blocked_apps(store))


def _merged(ours: Iterable[Post], theirs: Iterable[StorePost]) -> list[FeaturedPost]:
    found = [FeaturedPost(post.title, PostSource.OURS, post.created_at, post_id=post.id) for post in ours]
    titles = {post.title for post in found}
    found += [
        FeaturedPost(post.title, PostSource.STORE, post.published_at, url=post.url)
        for post in theirs
        if post.title not in titles
    ]
    return sorted(found, key=lambda post: post.published_at, reverse=True)


def _age_of(*parts: Known[Any]) -> tuple[datetime, bool]:
    """Since when a page is known that is made of `parts`, and whether any of them is stale."""
    return min(part.as_of for part in parts), any(part.stale for part in parts)
