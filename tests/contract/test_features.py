"""What every storage of features promises (ports/features.py)."""

import pytest

from app.domain.model.features import FeatureQuery
from app.domain.model.posts import PostNotFound
from app.ports.storage import Storage
from tests.builders import SOME_MOMENT, a_new_feature, a_new_post

ALL = FeatureQuery(limit=100, include_inactive=True)


async def a_post(storage: Storage, title: str = "A title") -> int:
    return (await storage.posts.add(a_new_post(title), SOME_MOMENT)).id


async def test_features_get_rising_ids_in_their_order(storage: Storage) -> None:
    added = await storage.features.add(await a_post(storage), [a_new_feature(name) for name in "zab"])
    assert [feature.feature_name for feature in added] == ["z", "a", "b"]
    assert [feature.id for feature in added] == sorted(feature.id for feature in added)
    assert (await storage.features.page(ALL)).items == added


async def test_adding_no_features_changes_nothing(storage: Storage) -> None:
    assert await storage.features.add(await a_post(storage), []) == []


@pytest.mark.parametrize("features", [[], [a_new_feature()]])
async def test_features_need_a_post(storage: Storage, features: list[object]) -> None:
    with pytest.raises(PostNotFound) as refused:
        await storage.features.add(4711, features)  # type: ignore[arg-type]
    assert refused.value.code == "POST_NOT_FOUND"


async def test_replacing_puts_new_features_in_place_of_all(storage: Storage) -> None:
    post_id = await a_post(storage)
    old = await storage.features.add(post_id, [a_new_feature("old"), a_new_feature("older")])
    new = await storage.features.replace(post_id, [a_new_feature("new")])
    assert (await storage.features.page(ALL)).items == new
    assert new[0].id > old[-1].id


async def test_replacing_leaves_other_posts_alone(storage: Storage) -> None:
    one, other = await a_post(storage, "One"), await a_post(storage, "Other")
    kept = await storage.features.add(other, [a_new_feature("kept")])
    await storage.features.add(one, [a_new_feature("gone")])
    await storage.features.replace(one, [])
    assert (await storage.features.page(ALL)).items == kept


async def test_inactive_features_are_listed_on_demand(storage: Storage) -> None:
    post_id = await a_post(storage)
    await storage.features.add(post_id, [a_new_feature("on"), a_new_feature("off", is_active=False)])
    active = await storage.features.page(FeatureQuery())
    everything = await storage.features.page(ALL)
    assert ([feature.feature_name for feature in active.items], active.total) == (["on"], 1)
    assert ([feature.is_active for feature in everything.items], everything.total) == ([True, False], 2)


async def test_features_come_in_pages_with_their_total(storage: Storage) -> None:
    post_id = await a_post(storage)
    added = await storage.features.add(post_id, [a_new_feature(f"f{n}") for n in range(7)])
    page = await storage.features.page(FeatureQuery(limit=3, offset=6))
    beyond = await storage.features.page(FeatureQuery(limit=3, offset=7))
    assert (page.items, page.total, page.limit, page.offset) == (added[6:], 7, 3, 6)
    assert (beyond.items, beyond.total) == ([], 7)
