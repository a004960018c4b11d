"""How to put fakes in place of adapters, and how to override providers: examples that run."""

from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer
from dependency_injector import providers

from app.adapters.config.settings import Settings
from app.adapters.memory.store import MemoryStore
from app.container import Container, use_memory
from app.domain.model.posts import PostQuery
from app.domain.services.posts import PostService
from app.entrypoints.api.posts import DetailQuery, PostHandlers
from app.entrypoints.app import create_app
from tests.builders import SOME_MOMENT, FixedClock, a_new_feature, a_new_post
from tests.e2e.service import settings_in


async def test_a_use_case_runs_on_memory_in_place_of_a_database() -> None:
    store = MemoryStore()
    posts = PostService(store.posts, store.transactions, FixedClock())
    published = await posts.publish(a_new_post(features=[a_new_feature("likes")]))
    assert published.created_at == SOME_MOMENT
    assert await posts.get(published.id) == published


async def test_a_handler_is_called_without_http() -> None:
    store = MemoryStore()
    handlers = PostHandlers(PostService(store.posts, store.transactions, FixedClock()))
    published = await handlers.publish_post(a_new_post())
    shown = await handlers.get_post(published.result.id, DetailQuery())
    assert (published.location, shown.etag, shown.result) == ("/posts/1", "1", published.result)


async def test_the_whole_service_runs_on_memory(tmp_path: Path) -> None:
    container = Container(settings=settings_in(tmp_path))
    store = use_memory(container)
    await store.posts.add(a_new_post("From memory"), SOME_MOMENT)
    async with TestClient(TestServer(create_app(container))) as client:
        answer = await (await client.get("/api/v1/posts")).json()
    assert [post["title"] for post in answer["result"]] == ["From memory"]
    assert not settings_in(tmp_path).sqlite.path.exists()


def for_demonstrations(settings: Settings) -> Container:
    """The container of an environment of its own: the same graph, with a clock that stands still.

    Override instances: a subclass with another provider wouldn't reach those that were made of the first one.
    """
    container = Container(settings=settings)
    container.now.override(providers.Object(FixedClock()))
    return container


async def test_an_environment_changes_what_it_needs_to(tmp_path: Path) -> None:
    container = for_demonstrations(settings_in(tmp_path))
    use_memory(container)
    published = await container.post_service().publish(a_new_post())
    assert published.created_at == SOME_MOMENT


async def test_an_override_ends_with_its_container(tmp_path: Path) -> None:
    use_memory(Container(settings=settings_in(tmp_path)))
    assert type(Container(settings=settings_in(tmp_path)).posts()).__name__ == "SqlitePostRepository"


async def test_an_override_comes_too_late_for_what_is_made(tmp_path: Path) -> None:
    container = Container(settings=settings_in(tmp_path))
    service = container.post_service()
    use_memory(container)
    assert container.post_service() is service
    assert type(service.posts).__name__ == "SqlitePostRepository"


async def test_each_use_case_sees_only_its_own_store() -> None:
    one, other = MemoryStore(), MemoryStore()
    await one.posts.add(a_new_post(), SOME_MOMENT)
    assert (await other.posts.page(PostQuery())).total == 0
