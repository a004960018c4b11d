"""What app_pages answers, as it writes it, and how that reads here. Keys that are not named here are ignored."""

from datetime import datetime
from typing import Annotated

import attrs
from msgspec import Meta

from app.domain.model.store_pages import DeveloperContext, StoreApp, StorePost

Id = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=1000)]


@attrs.frozen
class AppData:
    """`GET /v1/{store}/apps/{id}`"""

    id: Id
    title: Text
    developer_id: Id
    category: Text
    rating: Annotated[float, Meta(ge=0, le=5)] | None = None

    def to_app(self) -> StoreApp:
        return StoreApp(self.id, self.title, self.developer_id, self.category, self.rating)


@attrs.frozen
class DeveloperName:
    """`GET /v1/{store}/developers/{id}/name`"""

    name: Text


@attrs.frozen
class DeveloperData:
    """`GET /v1/{store}/developers/{id}/context`"""

    country: Text | None = None
    website: Text | None = None
    verified: bool = False

    def to_context(self) -> DeveloperContext:
        return DeveloperContext(self.country, self.website, self.verified)


@attrs.frozen
class DeveloperApps:
    """`GET /v1/{store}/developers/{id}/apps`"""

    apps: list[AppData]


@attrs.frozen
class FeaturedPost:
    """One of FeaturedPosts."""

    title: Text
    url: Text
    published_at: Annotated[datetime, Meta(tz=True)]

    def to_post(self) -> StorePost:
        return StorePost(self.title, self.url, self.published_at)


@attrs.frozen
class FeaturedPosts:
    """`GET /v1/{store}/featured-posts?limit=`, newest first"""

    posts: list[FeaturedPost]


@attrs.frozen
class BlockedApps:
    """`GET /v1/{store}/blocked-apps?ids=`, all of them without ids"""

    app_ids: list[Id]
