"""Store pages: the apps and developers of app stores, as another service knows them, and what we make of it."""

import enum
from datetime import datetime
from typing import Generic, TypeVar

import attrs
from attrs.validators import ge, le

from app.domain.errors import NotFound
from app.domain.model.paging import LIMIT

T = TypeVar("T")


class Store(enum.StrEnum):
    """The stores whose pages are known."""

    ANDROID = "android"
    AMAZON = "amazon"
    IOS = "ios"


class AppNotFound(NotFound):
    """The store has no such app, or doesn't show it."""

    code = "APP_NOT_FOUND"


class DeveloperNotFound(NotFound):
    """The store has no such developer."""

    code = "DEVELOPER_NOT_FOUND"


@attrs.frozen
class StoreApp:
    """An app as its store shows it. `rating` goes from 0 to 5; None where nobody has rated it."""

    id: str
    title: str
    developer_id: str
    category: str
    rating: float | None


@attrs.frozen
class DeveloperContext:
    """What a store tells of a developer beside the name."""

    country: str | None
    website: str | None
    is_verified: bool


@attrs.frozen
class StorePost:
    """A post that a store features on its pages."""

    title: str
    url: str
    published_at: datetime


@attrs.frozen
class Known(Generic[T]):
    """An answer, the moment when it was true, and whether it is an old one because a new one couldn't be had."""

    value: T
    as_of: datetime
    stale: bool


@attrs.frozen
class AppPage:
    """An app. What is stale may have changed since `as_of`."""

    app: StoreApp
    as_of: datetime
    stale: bool


@attrs.frozen
class DeveloperPage:
    """A developer and the apps that may be shown. What is stale may have changed since `as_of`."""

    id: str
    name: str
    context: DeveloperContext
    apps: list[StoreApp]
    as_of: datetime
    stale: bool


class PostSource(enum.StrEnum):
    """Who published a featured post: this service, or a store."""

    OURS = "ours"
    STORE = "store"


@attrs.frozen
class FeaturedPost:
    """A post of ours, told by its id, or a store's, told by its URL."""

    title: str
    source: PostSource
    published_at: datetime
    post_id: int | None = None
    url: str | None = None


@attrs.frozen
class FeaturedPosts:
    """Posts to show beside a store's apps, newest first. When stale, the store's are as they were at `as_of`."""

    posts: list[FeaturedPost]
    as_of: datetime
    stale: bool


@attrs.frozen
class BlockedApps:
    """The apps that are not to be shown. What is stale may have changed since `as_of`."""

    app_ids: list[str]
    as_of: datetime
    stale: bool


@attrs.frozen
class FeaturedQuery:
    """How many featured posts to show."""

    limit: int = attrs.field(default=20, validator=[ge(1), le(100)], metadata=LIMIT)
