"""What the client of app_pages makes of answers that are not as agreed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import attrs
import pytest

from app.adapters.app_pages.client import AppPagesClient
from app.domain.errors import Unavailable
from app.domain.model.store_pages import Store
from tests.upstream.clients import outbound
from tests.upstream.faulty import FaultyUpstream, faulty_upstream, json

APP = {"id": "a", "title": "A", "developer_id": "d", "category": "games", "rating": 4}
POST = {"title": "A", "url": "https://stores.example/a", "published_at": "2026-01-02T03:04:05+01:00"}

Ask = Callable[[AppPagesClient], Awaitable[object]]


def app(client: AppPagesClient) -> Awaitable[object]:
    return client.app_data(Store.IOS, "a")


def posts(client: AppPagesClient) -> Awaitable[object]:
    return client.featured_posts(Store.IOS, 10)


def blocked(client: AppPagesClient) -> Awaitable[object]:
    return client.blocked_apps(Store.IOS)


@attrs.frozen
class Pages:
    """The client, and the upstream that it asks."""

    client: AppPagesClient
    upstream: FaultyUpstream


@pytest.fixture
async def pages() -> AsyncIterator[Pages]:
    async with faulty_upstream() as upstream, outbound(upstream.url) as client:
        yield Pages(AppPagesClient(client.http), upstream)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (app, {**APP, "id": ""}),
        (app, {**APP, "rating": 6}),
        (app, {**APP, "rating": "4"}),
        (app, {**APP, "title": "x" * 1001}),
        (app, {"app": APP}),
        (posts, {"posts": [{**POST, "published_at": "2026-01-02T03:04:05"}]}),
        (posts, {"posts": [{**POST, "published_at": 1767323045}]}),
        (posts, {"posts": {}}),
        (posts, [POST]),
        (blocked, {"app_ids": ["a", None]}),
        (blocked, {"app_ids": "abc"}),
        (blocked, {}),
    ],
)
async def test_what_does_not_fit_is_unavailable_and_not_half_right(pages: Pages, ask: Ask, answer: object) -> None:
    pages.upstream.answer = json(answer)
    with pytest.raises(Unavailable):
        await ask(pages.client)


async def test_moments_are_aware_whatever_their_offset(pages: Pages) -> None:
    pages.upstream.answer = json({"posts": [POST]})
    (post,) = await pages.client.featured_posts(Store.IOS, 10)
    assert post.published_at == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("ask", [posts, blocked])
async def test_where_the_lists_are_missing_something_else_answers(pages: Pages, ask: Ask) -> None:
    pages.upstream.answer = json({}, 404)
    with pytest.raises(Unavailable, match="APP_APP_PAGES__URL"):
        await ask(pages.client)


async def test_parameters_go_along_only_where_they_say_something(pages: Pages) -> None:
    pages.upstream.answer = json({"app_ids": []})
    await pages.client.blocked_apps(Store.IOS)
    await pages.client.blocked_apps(Store.IOS, among=["a", "b"])
    assert [request.raw_path for request in pages.upstream.requests] == [
        "/v1/ios/blocked-apps",
        "/v1/ios/blocked-apps?ids=a,b",
    ]
