"""What the use cases of store pages decide."""

import asyncio
from datetime import timedelta

import attrs
import pytest

from app.adapters.memory.store import MemoryStore
from app.adapters.memory.store_pages import MemoryStorePages
from app.domain.errors import Unavailable
from app.domain.model.store_pages import AppNotFound, DeveloperNotFound, PostSource, Store, StoreApp, StorePost
from app.domain.services.last_answers import KEPT_FOR, LastAnswers
from app.domain.services.store_pages import StorePageService
from tests.builders import SOME_MOMENT, FixedClock, a_new_post
from tests.upstream.samples import BLOCKED_GAME, DEVELOPER, GAME, OTHER_GAME, POSTS, sample_pages

STORE = Store.ANDROID


@attrs.frozen
class Scene:
    """The service, and all that it is made of."""

    service: StorePageService
    pages: MemoryStorePages
    store: MemoryStore
    clock: FixedClock


@pytest.fixture
def scene() -> Scene:
    pages, store, clock = sample_pages(), MemoryStore(), FixedClock()
    return Scene(StorePageService(pages, store.posts, clock), pages, store, clock)


async def test_an_app_is_shown_as_of_now(scene: Scene) -> None:
    page = await scene.service.app_page(STORE, GAME.id)
    assert (page.app, page.as_of, page.stale) == (GAME, SOME_MOMENT, False)


async def test_a_blocked_app_is_shown_as_if_it_were_not_there(scene: Scene) -> None:
    with pytest.raises(AppNotFound) as blocked:
        await scene.service.app_page(STORE, BLOCKED_GAME.id)
    with pytest.raises(AppNotFound) as missing:
        await scene.service.app_page(STORE, "com.example.none")
    assert blocked.value.message == missing.value.message


@pytest.mark.parametrize("app_id", ["", "a,b", "-a", "a" * 201, "..", "é", "a\n"])
async def test_what_no_app_is_called_is_not_asked_for(scene: Scene, app_id: str) -> None:
    scene.pages.is_away = True
    with pytest.raises(AppNotFound):
        await scene.service.app_page(STORE, app_id)


@pytest.mark.parametrize("developer_id", ["", "a\n", "a" * 201])
async def test_what_no_developer_is_called_is_not_asked_for(scene: Scene, developer_id: str) -> None:
    scene.pages.is_away = True
    with pytest.raises(DeveloperNotFound):
        await scene.service.developer_page(STORE, developer_id)


async def test_a_developers_page_has_the_apps_that_are_not_blocked(scene: Scene) -> None:
    page = await scene.service.developer_page(STORE, "example-games")
    assert (page.id, page.name, page.context) == ("example-games", DEVELOPER.name, DEVELOPER.context)
    assert page.apps == [GAME, OTHER_GAME]


async def test_a_developer_who_is_not_there(scene: Scene) -> None:
    with pytest.raises(DeveloperNotFound):
        await scene.service.developer_page(STORE, "nobody")


class MeetingPages(MemoryStorePages):
    """Answers a call only when three others are waiting as well."""

    def __init__(self) -> None:
        super().__init__()
        self._barrier = asyncio.Barrier(4)

    async def developer_name(self, store: Store, developer_id: str) -> str:
        await self._barrier.wait()
        return await super().developer_name(store, developer_id)

    async def developer_context(self, store: Store, developer_id: str):  # type: ignore[no-untyped-def]  # as above
        await self._barrier.wait()
        return await super().developer_context(store, developer_id)

    async def developer_apps(self, store: Store, developer_id: str) -> list[StoreApp]:
        await self._barrier.wait()
        return await super().developer_apps(store, developer_id)

    async def blocked_apps(self, store: Store, among: object = None) -> list[str]:
        await self._barrier.wait()
        return await super().blocked_apps(store)


async def test_a_developers_page_is_asked_for_all_at_once() -> None:
    pages = MeetingPages()
    pages[STORE].developers["example-games"] = DEVELOPER
    service = StorePageService(pages, MemoryStore().posts, FixedClock())
    async with asyncio.timeout(5):
        assert (await service.developer_page(STORE, "example-games")).apps == []


async def test_featured_posts_are_the_stores_and_ours_newest_first(scene: Scene) -> None:
    ours = await scene.store.posts.add(a_new_post("Ours"), POSTS[1].published_at + timedelta(days=1))
    featured = await scene.service.featured_posts(STORE, 10)
    assert [(post.title, post.source, post.post_id, post.url) for post in featured.posts] == [
        (POSTS[0].title, PostSource.STORE, None, POSTS[0].url),
        ("Ours", PostSource.OURS, ours.id, None),
        (POSTS[1].title, PostSource.STORE, None, POSTS[1].url),
    ]


async def test_our_post_stands_in_the_place_of_a_stores_with_its_title(scene: Scene) -> None:
    await scene.store.posts.add(a_new_post(POSTS[0].title), SOME_MOMENT)
    featured = await scene.service.featured_posts(STORE, 10)
    assert [post.source for post in featured.posts] == [PostSource.OURS, PostSource.STORE]


async def test_featured_posts_are_no_more_than_asked_for(scene: Scene) -> None:
    for number in range(3):
        await scene.store.posts.add(a_new_post(f"Ours {number}"), SOME_MOMENT + timedelta(days=number))
    featured = await scene.service.featured_posts(STORE, 2)
    assert [post.title for post in featured.posts] == ["Ours 2", "Ours 1"]


async def test_away_the_last_good_posts_are_served_with_ours_of_now_and_marked(scene: Scene) -> None:
    before = await scene.service.featured_posts(STORE, 10)
    scene.pages.is_away = True
    scene.clock.advance(hours=1)
    await scene.store.posts.add(a_new_post("New"), scene.clock.moment)
    after = await scene.service.featured_posts(STORE, 10)
    assert (before.stale, after.stale, after.as_of) == (False, True, SOME_MOMENT)
    assert [post.title for post in after.posts] == ["New", *(post.title for post in before.posts)]


async def test_back_again_the_posts_are_those_of_now(scene: Scene) -> None:
    await scene.service.featured_posts(STORE, 10)
    scene.pages.is_away = True
    await scene.service.featured_posts(STORE, 10)
    scene.pages.is_away = False
    scene.pages[STORE].featured[:] = [StorePost("Fresh", "https://stores.example/fresh", SOME_MOMENT)]
    featured = await scene.service.featured_posts(STORE, 10)
    assert ([post.title for post in featured.posts], featured.stale) == (["Fresh"], False)


async def test_away_from_the_start_there_is_nothing_to_serve(scene: Scene) -> None:
    scene.pages.is_away = True
    for call in (
        scene.service.featured_posts(STORE, 10),
        scene.service.app_page(STORE, GAME.id),
        scene.service.developer_page(STORE, "example-games"),
        scene.service.blocked_apps(STORE),
    ):
        with pytest.raises(Unavailable):
            await call


async def test_away_all_other_pages_are_served_from_their_last_answers_too(scene: Scene) -> None:
    service = scene.service
    app, developer = await service.app_page(STORE, GAME.id), await service.developer_page(STORE, "example-games")
    blocked = await service.blocked_apps(STORE)
    scene.pages.is_away = True
    scene.clock.advance(minutes=1)
    assert await service.app_page(STORE, GAME.id) == attrs.evolve(app, stale=True)
    assert await service.developer_page(STORE, "example-games") == attrs.evolve(developer, stale=True)
    assert await service.blocked_apps(STORE) == attrs.evolve(blocked, stale=True)


async def test_an_app_that_was_blocked_when_last_known_stays_hidden(scene: Scene) -> None:
    with pytest.raises(AppNotFound):
        await scene.service.app_page(STORE, BLOCKED_GAME.id)
    scene.pages.is_away = True
    with pytest.raises(AppNotFound):
        await scene.service.app_page(STORE, BLOCKED_GAME.id)


async def test_an_app_that_was_removed_is_not_served_from_before(scene: Scene) -> None:
    await scene.service.app_page(STORE, GAME.id)
    del scene.pages[STORE].apps[GAME.id]
    with pytest.raises(AppNotFound):
        await scene.service.app_page(STORE, GAME.id)
    scene.pages.is_away = True
    with pytest.raises(Unavailable):
        await scene.service.app_page(STORE, GAME.id)


async def test_stores_are_not_confused(scene: Scene) -> None:
    await scene.service.featured_posts(Store.IOS, 10)
    scene.pages.is_away = True
    with pytest.raises(Unavailable):
        await scene.service.featured_posts(Store.AMAZON, 10)


async def test_an_answer_that_is_too_old_is_none(scene: Scene) -> None:
    await scene.service.blocked_apps(STORE)
    scene.pages.is_away = True
    scene.clock.moment += KEPT_FOR
    assert (await scene.service.blocked_apps(STORE)).stale
    scene.clock.advance(seconds=1)
    with pytest.raises(Unavailable):
        await scene.service.blocked_apps(STORE)


async def unavailable() -> int:
    raise Unavailable("Away.")


async def number(value: int) -> int:
    return value


async def test_only_so_many_answers_are_kept_and_the_oldest_goes_first() -> None:
    answers = LastAnswers(FixedClock(), size=2)
    for question in (1, 2, 1, 3):
        await answers.ask(question, lambda question=question: number(question))  # type: ignore[misc]  # a default
    assert (await answers.ask(1, unavailable)).value == 1
    assert (await answers.ask(3, unavailable)).value == 3
    with pytest.raises(Unavailable):
        await answers.ask(2, unavailable)
