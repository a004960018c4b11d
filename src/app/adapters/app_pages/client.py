"""The service app_pages, which knows the app stores."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.adapters.app_pages.answers import (
    AppData,
    BlockedApps,
    DeveloperApps,
    DeveloperData,
    DeveloperName,
    FeaturedPosts,
)
from app.adapters.http.call import Call
from app.adapters.http.client import HttpClient
from app.adapters.http.errors import UpstreamMissing
from app.domain.errors import NotFound, Unavailable
from app.domain.model.store_pages import (
    AppNotFound,
    DeveloperContext,
    DeveloperNotFound,
    Store,
    StoreApp,
    StorePost,
)

VERSION = "v1"


class AppPagesClient:
    """The port `StorePages` over HTTP."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def app_data(self, store: Store, app_id: str) -> StoreApp:
        with _missing_as(AppNotFound("The store has no such app.")):
            answer = await self._http.send(Call("app_data", AppData, (VERSION, store, "apps", app_id)))
        return answer.to_app()

    async def developer_name(self, store: Store, developer_id: str) -> str:
        path = (VERSION, store, "developers", developer_id, "name")
        with _missing_as(_no_developer()):
            answer = await self._http.send(Call("developer_name", DeveloperName, path))
        return answer.name

    async def developer_context(self, store: Store, developer_id: str) -> DeveloperContext:
        path = (VERSION, store, "developers", developer_id, "context")
        with _missing_as(_no_developer()):
            answer = await self._http.send(Call("developer_context", DeveloperData, path))
        return answer.to_context()

    async def developer_apps(self, store: Store, developer_id: str) -> list[StoreApp]:
        path = (VERSION, store, "developers", developer_id, "apps")
        with _missing_as(_no_developer()):
            answer = await self._http.send(Call("developer_apps", DeveloperApps, path))
        return [app.to_app() for app in answer.apps]

    async def featured_posts(self, store: Store, limit: int) -> list[StorePost]:
        call = Call("featured_posts", FeaturedPosts, (VERSION, store, "featured-posts"), {"limit": limit})
        with _missing_as(_not_app_pages()):
            answer = await self._http.send(call)
        return [post.to_post() for post in answer.posts]

    async def blocked_apps(self, store: Store, among: Sequence[str] | None = None) -> list[str]:
        call = Call("blocked_apps", BlockedApps, (VERSION, store, "blocked-apps"), {"ids": among})
        with _missing_as(_not_app_pages()):
            answer = await self._http.send(call)
        return answer.app_ids


@contextmanager
def _missing_as(error: NotFound | Unavailable) -> Iterator[None]:
    try:
        yield
    except UpstreamMissing as missing:
        raise error from missing


def _no_developer() -> DeveloperNotFound:
    return DeveloperNotFound("The store has no such developer.")


def _not_app_pages() -> Unavailable:
    """For a list that is always there, where app_pages is."""
    return Unavailable("Check APP_APP_PAGES__URL: there is something else than app_pages.")
