"""Store pages over HTTP, with the upstream behind them well, away, broken, or never set."""

from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
from aiohttp.test_utils import TestServer

from app.adapters.config.settings import Environment, HttpSettings, Settings
from app.adapters.consul.discovery import Discovery
from app.adapters.consul.settings import ConsulSettings
from app.adapters.http.settings import ClientSettings
from app.adapters.sqlite.migrations import SqliteMigrations
from app.container import Container
from app.domain.model.store_pages import Store
from tests.e2e.service import Client, a_token, running, settings_in
from tests.processes import free_port
from tests.upstream.faulty import (
    FaultyUpstream,
    faulty_upstream,
    half,
    json,
    one_after_the_other,
    redirect,
    reset,
    slow,
    text,
)
from tests.upstream.samples import BLOCKED_GAME, GAME, POSTS, sample_pages
from tests.upstream.stand_in import stand_in

pytestmark = pytest.mark.usefixtures("only_this_machine")

PAGES = "/api/v1/store-pages"
ROUTES = (
    f"{PAGES}/featured-posts/android",
    f"{PAGES}/blocked-apps/android",
    f"{PAGES}/apps/android/{GAME.id}",
    f"{PAGES}/developers/android/example-games",
)


def settings_with(folder: Path, url: str | None, env: Environment = Environment.TEST) -> Settings:
    settings = attrs.evolve(
        settings_in(folder), env=env, app_pages=ClientSettings(url=url, attempt_timeout=4, retry_wait=0.001)
    )
    SqliteMigrations(settings.sqlite).apply()
    return settings


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a service whose upstream is well."""
    async with TestServer(stand_in(sample_pages())) as server:
        url = str(server.make_url("/"))
        async with running(Container(settings=settings_with(tmp_path, url))) as opened:
            yield opened


@pytest.mark.parametrize("store", Store)
async def test_an_app_is_shown(client: Client, store: Store) -> None:
    answer = await client.get(f"{PAGES}/apps/{store}/{GAME.id}")
    assert (answer.status, answer.json["result"]["app"]) == (200, attrs.asdict(GAME))
    assert answer.json["result"]["stale"] is False


@pytest.mark.parametrize("app_id", ["com.example.none", BLOCKED_GAME.id, "a%2F..", "a%2Fb", "%F0%9F%98%80"])
async def test_an_app_that_is_not_shown(client: Client, app_id: str) -> None:
    answer = await client.get(f"{PAGES}/apps/android/{app_id}")
    assert (answer.status, answer.code) == (404, "APP_NOT_FOUND")


async def test_a_store_that_is_not_known(client: Client) -> None:
    answer = await client.get(f"{PAGES}/blocked-apps/windows")
    assert (answer.status, answer.fields) == (422, {"store": "NOT_A_CHOICE"})


async def test_a_developer_is_shown_with_what_may_be_shown(client: Client) -> None:
    answer = await client.get(f"{PAGES}/developers/ios/example-games")
    page = answer.json["result"]
    assert (answer.status, page["name"], page["context"]["country"]) == (200, "Example Games", "NL")
    assert [app["title"] for app in page["apps"]] == ["Draughts", "Chess", "Go"]
    assert (await client.get(f"{PAGES}/developers/ios/nobody")).code == "DEVELOPER_NOT_FOUND"


async def test_featured_posts_hold_ours(client: Client) -> None:
    client.token = a_token("posts:write")
    await client.post("/api/v1/posts", {"title": "Ours", "content": ""})
    answer = await client.get(f"{PAGES}/featured-posts/amazon?limit=2")
    posts = answer.json["result"]["posts"]
    assert [(post["title"], post["source"]) for post in posts] == [("Ours", "ours"), (POSTS[0].title, "store")]


@pytest.fixture
async def upstream() -> AsyncIterator[FaultyUpstream]:
    async with faulty_upstream() as started:
        yield started


async def pages_at(client: Client) -> dict[str, dict[str, object]]:
    """What every route answers, but for the moment: pages are made of parts that others may have renewed."""
    answers = {route: await client.get(route) for route in ROUTES}
    assert {answer.status for answer in answers.values()} == {200}
    return {route: {**answer.json["result"], "as_of": ...} for route, answer in answers.items()}


async def test_while_the_upstream_is_away_its_last_good_answer_is_served_and_marked(tmp_path: Path) -> None:
    pages = sample_pages()
    async with TestServer(stand_in(pages)) as server:
        settings = settings_with(tmp_path, str(server.make_url("/")))
        async with running(Container(settings=settings)) as client:
            before = await pages_at(client)
            pages.is_away = True
            assert await pages_at(client) == {route: {**page, "stale": True} for route, page in before.items()}


@pytest.mark.parametrize(
    "fault",
    [
        json({}, 500),
        json({}, 401),
        json({}, 404),
        text("<html>", "text/html"),
        json([]),
        redirect("http://169.254.169.254/"),
        reset,
        half,
    ],
    ids=["500", "401", "404", "html", "a list", "redirect", "reset", "half"],
)
async def test_whatever_the_upstream_does_is_a_503_and_never_a_500(
    tmp_path: Path, upstream: FaultyUpstream, fault: object
) -> None:
    upstream.answer = fault  # type: ignore[assignment]  # a Fault, parametrized
    async with running(Container(settings=settings_with(tmp_path, upstream.url))) as client:
        answer = await client.get(f"{PAGES}/featured-posts/android")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert (await client.get("/health/ready")).status == 200
        assert (await client.get("/api/v1/posts")).status == 200


async def test_a_silent_upstream_holds_nobody_up_for_longer_than_an_attempt_may_take(
    tmp_path: Path, upstream: FaultyUpstream
) -> None:
    upstream.answer = one_after_the_other(json({"app_ids": ["a"]}), slow(30))
    settings = settings_with(tmp_path, upstream.url)
    quick = attrs.evolve(settings.app_pages, attempt_timeout=1, attempts=1)
    async with running(Container(settings=attrs.evolve(settings, app_pages=quick))) as client:
        assert (await client.get(ROUTES[1])).json["result"]["stale"] is False
        answer = await client.get(ROUTES[1])
    assert (answer.status, answer.json["result"]["app_ids"], answer.json["result"]["stale"]) == (200, ["a"], True)


async def test_the_requests_own_deadline_ends_a_call_too(tmp_path: Path, upstream: FaultyUpstream) -> None:
    upstream.answer = slow(30)
    settings = attrs.evolve(settings_with(tmp_path, upstream.url), http=HttpSettings(request_timeout=0.3))
    async with running(Container(settings=settings)) as client:
        assert (await client.get(ROUTES[1])).status in (503, 504)
        assert (await client.get("/health/live")).status == 200


async def test_an_id_and_a_trace_go_through_the_service(tmp_path: Path, upstream: FaultyUpstream) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with running(Container(settings=settings_with(tmp_path, upstream.url))) as client:
        await client.get(ROUTES[1], headers={"X-Request-ID": "the-id", "traceparent": trace})
    sent = upstream.requests[0].headers
    assert (sent["X-Request-ID"], sent["traceparent"]) == ("the-id", trace)
    assert 0 < float(sent["X-Request-Timeout"]) <= 5


async def test_outside_dev_a_missing_url_is_told_by_its_variable(tmp_path: Path) -> None:
    async with running(Container(settings=settings_with(tmp_path, None))) as client:
        for route in ROUTES:
            answer = await client.get(route)
            assert (answer.status, answer.json["message"]) == (
                503,
                "There are no store pages here now.",
            )
        metrics = (await client.get("/metrics")).body.decode()
        assert 'upstream_breaker_open{upstream="app_pages"} 0.0' in metrics


async def test_in_dev_the_stand_in_is_the_upstream(tmp_path: Path) -> None:
    container = Container(settings=settings_with(tmp_path, None, Environment.DEV))
    with container.app_pages_upstream().pick() as instance:
        assert instance.url == "http://127.0.0.1:8010"


async def test_an_upstream_that_is_named_is_looked_for_in_consul(tmp_path: Path) -> None:
    settings = attrs.evolve(
        settings_in(tmp_path),
        consul=ConsulSettings(address="http://127.0.0.1:8500"),
        app_pages=ClientSettings(service="app-pages"),
    )
    container = Container(settings=settings)
    found = container.app_pages_upstream()
    assert isinstance(found, Discovery)
    assert found.service == "app-pages"
    assert found in container.resources()


async def test_newer_settings_reach_the_client_while_it_works(tmp_path: Path, upstream: FaultyUpstream) -> None:
    upstream.answer = json({"app_ids": ["a" * 100]})
    settings = settings_with(tmp_path, upstream.url)
    container = Container(settings=settings)
    async with running(container) as client:
        assert (await client.get(ROUTES[1])).json["result"]["stale"] is False
        newer = attrs.evolve(settings, app_pages=attrs.evolve(settings.app_pages, body_limit=50))
        container.live().change(newer)
        assert (await client.get(ROUTES[1])).json["result"]["stale"] is True


async def test_calls_of_the_upstream_are_measured(client: Client) -> None:
    await client.get(ROUTES[0])
    metrics = (await client.get("/metrics")).body.decode()
    assert 'upstream_calls_total{operation="featured_posts",outcome="ok",upstream="app_pages"} 1.0' in metrics
    assert 'upstream_attempts_total{operation="featured_posts",upstream="app_pages"} 1.0' in metrics


async def test_the_service_starts_without_its_upstream(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with running(Container(settings=settings_with(tmp_path, url))) as client:
        assert (await client.get("/health/ready")).status == 200
        assert (await client.get(ROUTES[0])).code == "UPSTREAM_UNREACHABLE"
