"""Store pages in memory: a real service without a network, for tests."""

from collections.abc import Sequence

import attrs

from app.domain.errors import Unavailable
from app.domain.model.store_pages import (
    AppNotFound,
    DeveloperContext,
    DeveloperNotFound,
    Store,
    StoreApp,
    StorePost,
)


@attrs.frozen
class StoreDeveloper:
    """A developer with the apps; the name and the context are asked for one by one."""

    name: str
    context: DeveloperContext


@attrs.define
class StoreShelf:
    """What one store has: apps and developers by id, featured posts in any order, and the ids of blocked apps."""

    apps: dict[str, StoreApp] = attrs.field(factory=dict)
    developers: dict[str, StoreDeveloper] = attrs.field(factory=dict)
    featured: list[StorePost] = attrs.field(factory=list)
    blocked: set[str] = attrs.field(factory=set)


class MemoryStorePages:
    """The port `StorePages` in memory. `is_away` makes it unavailable, as a service can be."""

    def __init__(self) -> None:
        self.is_away = False
        self._shelves = {store: StoreShelf() for store in Store}

    def __getitem__(self, store: Store) -> StoreShelf:
        """What a store has, to be filled and changed."""
        return self._shelves[store]

    async def app_data(self, store: Store, app_id: str) -> StoreApp:
        app = self._shelf(store).apps.get(app_id)
        if app is None:
            raise AppNotFound("The store has no such app.")
        return app

    async def developer_name(self, store: Store, developer_id: str) -> str:
        return self._developer(store, developer_id).name

    async def developer_context(self, store: Store, developer_id: str) -> DeveloperContext:
        return self._developer(store, developer_id).context

    async def developer_apps(self, store: Store, developer_id: str) -> list[StoreApp]:
        self._developer(store, developer_id)
        apps = self._shelf(store).apps.values()
        return sorted((app for app in apps if app.developer_id == developer_id), key=lambda app: app.id)

    async def featured_posts(self, store: Store, limit: int) -> list[StorePost]:
        posts = sorted(self._shelf(store).featured, key=lambda post: post.published_at, reverse=True)
        return posts[:limit]

    async def blocked_apps(self, store: Store, among: Sequence[str] | None = None) -> list[str]:
        blocked = sorted(self._shelf(store).blocked)
        return blocked if among is None else [app_id for app_id in blocked if app_id in among]

    def _shelf(self, store: Store) -> StoreShelf:
        if self.is_away:
            raise Unavailable("The store pages are away.")
        return self._shelves[store]

    def _developer(self, store: Store, developer_id: str) -> StoreDeveloper:
        developer = self._shelf(store).developers.get(developer_id)
        if developer is None:
            raise DeveloperNotFound("The store has no such developer.")
        return developer
