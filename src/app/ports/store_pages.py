"""What the use cases need of the service that knows the app stores."""

from collections.abc import Sequence
from typing import Protocol

from app.domain.model.store_pages import DeveloperContext, Store, StoreApp, StorePost


class StorePages(Protocol):
    """The pages of the app stores. Every method may raise Unavailable when the service behind it does not answer."""

    async def app_data(self, store: Store, app_id: str) -> StoreApp:
        """One app. Raises AppNotFound."""
        ...

    async def developer_name(self, store: Store, developer_id: str) -> str:
        """What a developer is called. Raises DeveloperNotFound."""
        ...

    async def developer_context(self, store: Store, developer_id: str) -> DeveloperContext:
        """What else is known of a developer. Raises DeveloperNotFound."""
        ...

    async def developer_apps(self, store: Store, developer_id: str) -> list[StoreApp]:
        """All apps of a developer, blocked ones too, by id. Raises DeveloperNotFound."""
        ...

    async def featured_posts(self, store: Store, limit: int) -> list[StorePost]:
        """At most `limit` posts that the store features, newest first."""
        ...

    async def blocked_apps(self, store: Store, among: Sequence[str] | None = None) -> list[str]:
        """The ids of the apps that are not to be shown, in order: of all, or of those `among` the given ones."""
        ...
