"""Store pages over HTTP."""

from app.domain.model.store_pages import AppPage, BlockedApps, DeveloperPage, FeaturedPosts, FeaturedQuery, Store
from app.domain.services.store_pages import StorePageService
from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response, response_error

TAGS = ["store pages"]
STORE = {"store": "The app store"}
FRESH = {"as_of": "2026-01-31T12:00:00.250000Z", "stale": False}
APP = {"id": "org.example.chess", "title": "Chess", "developer_id": "d1", "category": "games", "rating": 4.5}
DEVELOPER = {"id": "d1", "name": "Example", "context": {"country": "NL", "website": None, "is_verified": True}}
FEATURED = {"title": "Hexagons", "source": "ours", "published_at": FRESH["as_of"], "post_id": 4, "url": None}
AWAY = response_error("The stores' service is away, and nothing is known from before")


class StorePageHandlers:
    """The routes of store pages."""

    def __init__(self, pages: StorePageService) -> None:
        self._pages = pages

    @definition(
        path="/store-pages/apps/{store}/{app_id}",
        parameters={**STORE, "app_id": "The app's id in that store"},
        access=public,
        tags=TAGS,
        responses={
            "200": response(AppPage, "The app", example={"app": APP, **FRESH}),
            "404": response_error("No such app is shown"),
            "503": AWAY,
        },
    )
    async def get_app_page(self, store: Store, app_id: str) -> AppPage:
        """Show an app of a store, unless it is blocked."""
        return await self._pages.app_page(store, app_id)

    @definition(
        path="/store-pages/developers/{store}/{developer_id}",
        parameters={**STORE, "developer_id": "The developer's id in that store"},
        access=public,
        tags=TAGS,
        responses={
            "200": response(DeveloperPage, "The developer", example={**DEVELOPER, "apps": [APP], **FRESH}),
            "404": response_error("No such one"),
            "503": AWAY,
        },
    )
    async def get_developer_page(self, store: Store, developer_id: str) -> DeveloperPage:
        """Show a developer of a store, with the apps that are not blocked."""
        return await self._pages.developer_page(store, developer_id)

    @definition(
        path="/store-pages/featured-posts/{store}",
        parameters=STORE,
        access=public,
        tags=TAGS,
        responses={
            "200": response(FeaturedPosts, "The posts", example={"posts": [FEATURED], **FRESH}),
            "503": AWAY,
        },
    )
    async def list_featured_posts(self, store: Store, query: FeaturedQuery) -> FeaturedPosts:
        """List the posts to show beside a store's apps: the store's and ours, newest first.

        While the store's service is away, its posts are those that it featured last, and `stale` is true.
        """
        return await self._pages.featured_posts(store, query.limit)

    @definition(
        path="/store-pages/blocked-apps/{store}",
        parameters=STORE,
        access=public,
        tags=TAGS,
        responses={
            "200": response(BlockedApps, "The apps' ids", example={"app_ids": [APP["id"]], **FRESH}),
            "503": AWAY,
        },
    )
    async def list_blocked_apps(self, store: Store) -> BlockedApps:
        """List the apps of a store that are not shown."""
        return await self._pages.blocked_apps(store)
