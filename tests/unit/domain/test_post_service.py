"""What the use cases of posts decide."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import attrs
import pytest

from app.adapters.memory.store import MemoryStore
from app.domain.errors import TransactionAborted
from app.domain.model.features import FeatureQuery, NewFeature
from app.domain.model.paging import InvalidCursor, Position, SortDir, encode_cursor
from app.domain.model.posts import Post, PostChanged, PostNotFound, PostQuery, PostSort, TitleTaken
from app.domain.services.posts import CursorWithOffset, PostService
from app.ports.unit_of_work import Transactions, Work
from tests.builders import SOME_MOMENT, FixedClock, a_new_feature, a_new_post


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def service(store: MemoryStore) -> PostService:
    return PostService(store.posts, store.transactions, FixedClock())


@attrs.define
class FakeTransactions:
    """Gives up the first `failures` units of work, after they have written; then does as the real ones do."""

    real: Transactions
    failures: int
    begun: int = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Work]:
        self.begun += 1
        is_given_up = self.begun <= self.failures
        async with self.real.begin() as work:
            yield work
            if is_given_up:
                raise TransactionAborted("Another unit of work came first.")


async def publish_all(service: PostService, *titles: str) -> list[Post]:
    return [await service.publish(a_new_post(title)) for title in titles]


def titles(posts: list[Post]) -> list[str]:
    return [post.title for post in posts]


async def test_a_published_post_is_got_with_its_features(service: PostService) -> None:
    published = await service.publish(a_new_post("Hello", features=[a_new_feature("a"), a_new_feature("b")]))

    assert published == await service.get(published.id)
    assert (
        published.title,
        published.version,
        [feature.feature_name for feature in published.features],
    ) == ("Hello", 1, ["a", "b"])


async def test_a_post_is_created_now_to_the_millisecond(store: MemoryStore) -> None:
    clock = FixedClock(datetime(2026, 3, 14, 15, 9, 26, 535_999, UTC))
    service = PostService(store.posts, store.transactions, clock)

    published = await service.publish(a_new_post())

    assert datetime(2026, 3, 14, 15, 9, 26, 535_000, UTC) == published.created_at


async def test_inactive_features_are_got_on_demand_only(service: PostService) -> None:
    features = [a_new_feature("on"), a_new_feature("off", is_active=False)]
    published = await service.publish(a_new_post(features=features))

    assert published.features[:1] == (await service.get(published.id)).features
    assert published.features == (await service.get(published.id, include_inactive=True)).features


async def test_a_missing_post_is_told_by_its_id(service: PostService) -> None:
    with pytest.raises(PostNotFound, match="There is no post 7"):
        await service.get(7)


async def test_a_taken_title_leaves_no_features_behind(service: PostService, store: MemoryStore) -> None:
    await service.publish(a_new_post("Taken"))

    with pytest.raises(TitleTaken):
        await service.publish(a_new_post("Taken", features=[a_new_feature()]))

    assert (await store.features.page(FeatureQuery())).total == 0


async def test_an_edit_replaces_the_post_and_its_features(service: PostService, store: MemoryStore) -> None:
    clock = FixedClock()
    service = PostService(store.posts, store.transactions, clock)
    published = await service.publish(a_new_post("Before", features=[a_new_feature("old")]))
    clock.advance(days=1)

    edited = await service.edit(published.id, a_new_post("After", features=[a_new_feature("new")]), 1)

    assert edited == await service.get(published.id)
    assert (edited.title, edited.version, edited.created_at) == ("After", 2, SOME_MOMENT)
    assert [feature.feature_name for feature in edited.features] == ["new"]


@pytest.mark.parametrize(("version", "title", "error"), [(7, "New", PostChanged), (1, "Taken", TitleTaken)])
async def test_a_refused_edit_leaves_the_post_and_its_features(
    service: PostService, version: int, title: str, error: type[Exception]
) -> None:
    await service.publish(a_new_post("Taken"))
    published = await service.publish(a_new_post("Before", features=[a_new_feature("old")]))

    with pytest.raises(error):
        await service.edit(published.id, a_new_post(title, features=[]), version)

    assert published == await service.get(published.id)


async def test_without_a_version_any_is_edited(service: PostService) -> None:
    published = await service.publish(a_new_post("First"))
    await service.edit(published.id, a_new_post("Second"), None)

    assert (await service.edit(published.id, a_new_post("Third"), None)).version == 3


async def test_a_missing_post_cannot_be_edited_or_removed(service: PostService) -> None:
    with pytest.raises(PostNotFound):
        await service.edit(7, a_new_post(), None)
    with pytest.raises(PostNotFound):
        await service.remove(7, None)


async def test_a_removed_post_is_gone(service: PostService) -> None:
    published = await service.publish(a_new_post())

    await service.remove(published.id, 1)

    with pytest.raises(PostNotFound):
        await service.get(published.id)


async def test_a_stale_version_is_not_removed(service: PostService) -> None:
    published = await service.publish(a_new_post())

    with pytest.raises(PostChanged):
        await service.remove(published.id, 2)

    assert published == await service.get(published.id)


@pytest.mark.parametrize(("limit", "offset"), [(2, 0), (1, 1), (1, 0), (1, 2)])
async def test_a_page_with_more_behind_it_has_a_cursor(service: PostService, limit: int, offset: int) -> None:
    await publish_all(service, "a", "b", "c", "d")

    page = await service.page(PostQuery(limit=limit, offset=offset))

    assert page.next_cursor is not None
    following = await service.page(PostQuery(limit=limit, cursor=page.next_cursor))
    assert list("dcba")[offset + limit :][:limit] == titles(following.items)


@pytest.mark.parametrize(("limit", "offset"), [(3, 0), (4, 0), (1, 2), (2, 1), (1, 3), (1, 2**63 - 1)])
async def test_the_last_page_by_offset_has_no_cursor(service: PostService, limit: int, offset: int) -> None:
    await publish_all(service, "a", "b", "c")

    assert (await service.page(PostQuery(limit=limit, offset=offset))).next_cursor is None


async def test_an_empty_list_has_no_cursor(service: PostService) -> None:
    page = await service.page(PostQuery())

    assert (page.items, page.total, page.next_cursor) == ([], 0, None)


async def test_a_page_by_cursor_has_no_offset_and_no_total(service: PostService) -> None:
    await publish_all(service, "a", "b", "c")
    first = await service.page(PostQuery(limit=1))

    second = await service.page(PostQuery(limit=1, cursor=first.next_cursor))

    assert (titles(second.items), second.limit, second.offset, second.total) == (["b"], 1, None, None)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
async def test_pages_by_cursor_end_with_the_list(service: PostService, count: int) -> None:
    published = await publish_all(service, *"abcde"[:count])
    query = PostQuery(limit=2, sort=PostSort.TITLE, sort_dir=SortDir.ASC)
    page = await service.page(query)
    seen = page.items
    while page.next_cursor is not None:
        page = await service.page(attrs.evolve(query, cursor=page.next_cursor))
        assert page.items
        seen = [*seen, *page.items]

    assert titles(published) == titles(seen)


async def test_a_cursor_of_the_longest_title_leads_on(service: PostService) -> None:
    longest = "\U0001f600" * 100
    await publish_all(service, longest, longest[:-1] + "\U0001f601")
    query = PostQuery(limit=1, sort=PostSort.TITLE, sort_dir=SortDir.ASC)

    first = await service.page(query)

    assert len((await service.page(attrs.evolve(query, cursor=first.next_cursor))).items) == 1


async def test_a_cursor_with_an_offset_is_refused(service: PostService) -> None:
    cursor = encode_cursor(PostQuery().order, Position(0, 0))

    with pytest.raises(CursorWithOffset) as refused:
        await service.page(PostQuery(cursor=cursor, offset=1))

    assert refused.value.field_name == "offset"


async def test_a_cursor_of_another_order_is_refused(service: PostService) -> None:
    await publish_all(service, "a", "b")
    page = await service.page(PostQuery(limit=1, sort=PostSort.TITLE))

    with pytest.raises(InvalidCursor):
        await service.page(PostQuery(limit=1, sort=PostSort.ID, cursor=page.next_cursor))
    with pytest.raises(InvalidCursor):
        await service.page(PostQuery(limit=1, sort=PostSort.TITLE, sort_dir=SortDir.ASC, cursor=page.next_cursor))


@pytest.mark.parametrize(("sort", "value"), [(PostSort.TITLE, 1), (PostSort.ID, "1"), (PostSort.CREATED_AT, "2026")])
async def test_a_cursor_whose_value_is_of_another_type_is_refused(
    service: PostService, sort: PostSort, value: str | int
) -> None:
    await publish_all(service, "a", "b")
    query = PostQuery(sort=sort)
    forged = encode_cursor(query.order, Position(value, 1))

    with pytest.raises(InvalidCursor):
        await service.page(attrs.evolve(query, cursor=forged))


@pytest.mark.parametrize("failures", [0, 1, 2])
async def test_a_unit_given_up_by_the_storage_is_done_again(store: MemoryStore, failures: int) -> None:
    transactions = FakeTransactions(store.transactions, failures)
    service = PostService(store.posts, transactions, FixedClock())

    published = await service.publish(a_new_post(features=[NewFeature("a")]))
    assert failures + 1 == transactions.begun

    transactions.begun = 0
    edited = await service.edit(published.id, a_new_post("After"), 1)
    assert (failures + 1, 2) == (transactions.begun, edited.version)


async def test_a_unit_given_up_three_times_is_given_up_for_good(store: MemoryStore) -> None:
    transactions = FakeTransactions(store.transactions, failures=3)
    service = PostService(store.posts, transactions, FixedClock())

    with pytest.raises(TransactionAborted):
        await service.publish(a_new_post())

    assert transactions.begun == 3
    assert (await store.posts.page(PostQuery())).total == 0


async def test_an_error_of_the_domain_is_not_tried_again(store: MemoryStore) -> None:
    transactions = FakeTransactions(store.transactions, failures=0)
    service = PostService(store.posts, transactions, FixedClock())
    await service.publish(a_new_post())

    with pytest.raises(TitleTaken):
        await service.publish(a_new_post())

    assert transactions.begun == 2
