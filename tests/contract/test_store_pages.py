"""What everything that knows the app stores promises (ports/store_pages.py)."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import attrs
import pytest
from aiohttp.test_utils import TestServer

from app.adapters.app_pages.client import AppPagesClient
from app.adapters.memory.store_pages import MemoryStorePages
from app.domain.errors import Unavailable
from app.domain.model.store_pages import AppNotFound, DeveloperNotFound, Store
from app.ports.store_pages import StorePages
from tests.upstream.clients import outbound
from tests.upstream.samples import (
    BLOCKED_GAME,
    DEVELOPER,
    GAME,
    OTHER_GAME,
    POSTS,
    SPARSE_DEVELOPER,
    sample_pages,
)
from tests.upstream.stand_in import stand_in

ODD_ID = "Ünïcode/& Söhne?"


@attrs.frozen
class Filled:
    """The port, and what is behind it, to be changed."""

    pages: StorePages
    behind: MemoryStorePages


@asynccontextmanager
async def memory() -> AsyncIterator[Filled]:
    pages = sample_pages()
    yield Filled(pages, pages)


@asynccontextmanager
async def app_pages() -> AsyncIterator[Filled]:
    behind = sample_pages()
    async with TestServer(stand_in(behind)) as server, outbound(str(server.make_url("/"))) as client:
        yield Filled(AppPagesClient(client.http), behind)


KINDS: dict[str, Callable[[], AbstractAsyncContextManager[Filled]]] = {"memory": memory, "app_pages": app_pages}


@pytest.fixture(params=KINDS)
async def filled(request: pytest.FixtureRequest) -> AsyncIterator[Filled]:
    async with KINDS[request.param]() as opened:
        yield opened


@pytest.fixture
def pages(filled: Filled) -> StorePages:
    return filled.pages


@pytest.mark.parametrize("store", Store)
async def test_every_store_has_its_apps(pages: StorePages, store: Store) -> None:
    assert await pages.app_data(store, GAME.id) == GAME
    assert await pages.app_data(store, OTHER_GAME.id) == OTHER_GAME


async def test_an_app_of_one_store_is_not_in_another(pages: StorePages) -> None:
    assert (await pages.app_data(Store.IOS, "1234567890")).title == "Draughts"
    with pytest.raises(AppNotFound) as missing:
        await pages.app_data(Store.ANDROID, "1234567890")
    assert missing.value.code == "APP_NOT_FOUND"


@pytest.mark.parametrize("app_id", ["com.example.none", "..", ".", "a/../b", "a?b", "a#b", "%2e%2e", "é"])
async def test_an_app_that_is_not_there(pages: StorePages, app_id: str) -> None:
    with pytest.raises(AppNotFound):
        await pages.app_data(Store.ANDROID, app_id)


async def test_a_developer_has_a_name_and_a_context(pages: StorePages) -> None:
    assert await pages.developer_name(Store.AMAZON, "example-games") == DEVELOPER.name
    assert await pages.developer_context(Store.AMAZON, "example-games") == DEVELOPER.context


async def test_a_developer_may_have_an_odd_id_and_little_context(pages: StorePages) -> None:
    assert await pages.developer_name(Store.IOS, ODD_ID) == SPARSE_DEVELOPER.name
    assert await pages.developer_context(Store.IOS, ODD_ID) == SPARSE_DEVELOPER.context
    assert await pages.developer_apps(Store.IOS, ODD_ID) == []


async def test_a_developers_apps_come_by_id_and_with_the_blocked_ones(pages: StorePages) -> None:
    assert await pages.developer_apps(Store.ANDROID, "example-games") == [GAME, BLOCKED_GAME, OTHER_GAME]


@pytest.mark.parametrize("developer_id", ["nobody", "..", "example-games/name"])
async def test_a_developer_who_is_not_there(pages: StorePages, developer_id: str) -> None:
    for ask in (pages.developer_name, pages.developer_context, pages.developer_apps):
        with pytest.raises(DeveloperNotFound) as missing:
            await ask(Store.ANDROID, developer_id)
        assert missing.value.code == "DEVELOPER_NOT_FOUND"


async def test_featured_posts_come_newest_first_and_no_more_than_asked_for(pages: StorePages) -> None:
    assert await pages.featured_posts(Store.ANDROID, 10) == POSTS
    assert await pages.featured_posts(Store.ANDROID, 1) == POSTS[:1]


async def test_blocked_apps_are_all_or_those_among_the_given(pages: StorePages) -> None:
    assert await pages.blocked_apps(Store.AMAZON) == ["com.example.casino", BLOCKED_GAME.id]
    assert await pages.blocked_apps(Store.AMAZON, among=[BLOCKED_GAME.id, GAME.id]) == [BLOCKED_GAME.id]
    assert await pages.blocked_apps(Store.AMAZON, among=[GAME.id]) == []
    assert await pages.blocked_apps(Store.AMAZON, among=[]) == []


async def test_a_store_may_feature_and_block_nothing(filled: Filled) -> None:
    filled.behind[Store.IOS].featured.clear()
    filled.behind[Store.IOS].blocked.clear()
    assert await filled.pages.featured_posts(Store.IOS, 10) == []
    assert await filled.pages.blocked_apps(Store.IOS) == []


async def test_away_everything_is_unavailable(filled: Filled) -> None:
    filled.behind.is_away = True
    store, pages = Store.ANDROID, filled.pages
    for call in (
        pages.app_data(store, GAME.id),
        pages.developer_name(store, "example-games"),
        pages.developer_context(store, "example-games"),
        pages.developer_apps(store, "example-games"),
        pages.featured_posts(store, 10),
        pages.blocked_apps(store),
    ):
        with pytest.raises(Unavailable):
            await call
