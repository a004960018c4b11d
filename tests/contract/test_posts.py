"""What every storage of posts promises (ports/posts.py)."""

import asyncio
import math
from datetime import UTC, datetime

import pytest

from app.domain.model.features import FeatureQuery
from app.domain.model.paging import INT64_MAX
from app.domain.model.posts import NewPost, Post, PostChanged, PostNotFound, PostQuery, TitleTaken
from app.ports.storage import Storage
from tests.builders import SOME_MOMENT, a_new_feature, a_new_post

TEXTS = [
    "plain",
    "naïve café",
    "e\N{COMBINING ACUTE ACCENT}",
    "\N{LATIN SMALL LETTER E WITH ACUTE}",
    "😀👩‍👩‍👧‍👦",
    "שלום \N{RIGHT-TO-LEFT MARK}عالم",
    "漢字 𠮷",
    "tab\tand\nnewline",
    " leading and trailing ",
    "'; DROP TABLE posts; --",
    "\N{NO-BREAK SPACE}\N{ZERO WIDTH JOINER}\N{BYTE ORDER MARK}",
]

JSON_SHAPES: list[dict[str, object]] = [
    {},
    {"": "an empty key", "a.b": 1, "$set": 2, "\U0001f600": 3, "ключ": 4},
    {"empty": [{}, [], "", None]},
    {"integers": [0, -1, INT64_MAX, -INT64_MAX - 1]},
    {"floats": [1.5, 1e308, 5e-324, -1e-7, 0.1]},
    {"truth": [True, False, 1, 0, None]},
    {"z": 1, "a": 2, "m": 3},
    {"text": TEXTS},
]


async def add(storage: Storage, title: str = "A title", moment: datetime = SOME_MOMENT, **other: object) -> Post:
    return await storage.posts.add(a_new_post(title, **other), moment)  # type: ignore[arg-type]


async def test_an_added_post_is_found_as_it_was_added(storage: Storage) -> None:
    added = await add(storage, "Found", additional_data={"a": [1]})
    assert added == Post(added.id, "Found", "Some content.", {"a": [1]}, SOME_MOMENT, 1)
    assert await storage.posts.find(added.id) == added


@pytest.mark.parametrize("post_id", [0, -1, 4711, INT64_MAX, -INT64_MAX - 1])
async def test_an_id_that_no_post_has_finds_nothing(storage: Storage, post_id: int) -> None:
    await add(storage)
    assert await storage.posts.find(post_id) is None
    assert await storage.posts.find_with_features(post_id) is None


@pytest.mark.parametrize("text", TEXTS)
async def test_text_comes_back_code_point_by_code_point(storage: Storage, text: str) -> None:
    added = await add(storage, text, content=text)
    found = await storage.posts.find(added.id)
    assert found is not None
    assert (found.title, found.content) == (text, text)


async def test_text_may_have_its_whole_length_in_the_widest_characters(storage: Storage) -> None:
    title, content = "\U0001f600" * 100, "\U0001d11e" * 500
    added = await add(storage, title, content=content)
    assert await storage.posts.find(added.id) == Post(added.id, title, content, {}, SOME_MOMENT, 1)


@pytest.mark.parametrize("data", JSON_SHAPES)
async def test_json_of_every_shape_comes_back_as_it_was(storage: Storage, data: dict[str, object]) -> None:
    added = await add(storage, additional_data=data)
    found = await storage.posts.find(added.id)
    assert found is not None
    assert found.additional_data == data
    assert list(found.additional_data) == list(data)


async def test_numbers_in_json_keep_their_kind(storage: Storage) -> None:
    added = await add(storage, additional_data={"one": 1.0, "zero": -0.0, "true": True, "whole": 1})
    found = await storage.posts.find(added.id)
    assert found is not None
    data = found.additional_data
    assert [type(data[name]) for name in ("one", "true", "whole")] == [float, bool, int]
    assert math.copysign(1, data["zero"]) == -1  # type: ignore[arg-type]


async def test_json_may_be_nested_as_deep_as_the_edge_lets_in(storage: Storage) -> None:
    data: dict[str, object] = {}
    for _ in range(30):
        data = {"deeper": [data]}
    added = await add(storage, additional_data=data)
    found = await storage.posts.find(added.id)
    assert found is not None
    assert found.additional_data == data


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    ],
)
async def test_moments_come_back_to_the_millisecond(storage: Storage, moment: datetime) -> None:
    added = await add(storage, moment=moment)
    found = await storage.posts.find(added.id)
    assert found is not None
    assert found.created_at == moment


async def test_nobody_outside_can_change_what_is_stored(storage: Storage) -> None:
    data: dict[str, object] = {"list": [1]}
    added = await add(storage, additional_data=data)
    data["list"] = "changed"
    added.additional_data["list"] = "changed"
    found = await storage.posts.find(added.id)
    assert found is not None
    assert found.additional_data == {"list": [1]}


async def test_a_title_is_taken_once(storage: Storage) -> None:
    await add(storage, "Taken")
    with pytest.raises(TitleTaken) as refused:
        await add(storage, "Taken")
    assert (refused.value.code, refused.value.field_name) == ("TITLE_TAKEN", "title")


@pytest.mark.parametrize(
    "other", ["taken", "Taken ", " Taken", "Ta\N{ZERO WIDTH JOINER}ken", "Tak\N{LATIN SMALL LETTER E WITH ACUTE}n"]
)
async def test_titles_differ_when_any_code_point_does(storage: Storage, other: str) -> None:
    await add(storage, "Taken")
    await add(storage, other)
    page = await storage.posts.page(PostQuery())
    assert page.total == 2


async def test_composed_and_decomposed_titles_are_two(storage: Storage) -> None:
    await add(storage, "e\N{COMBINING ACUTE ACCENT}")
    await add(storage, "\N{LATIN SMALL LETTER E WITH ACUTE}")
    assert (await storage.posts.page(PostQuery())).total == 2


async def test_of_twenty_who_race_for_a_title_one_gets_it(storage: Storage) -> None:
    outcomes = await asyncio.gather(*(add(storage, "Wanted") for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(outcome, Post) for outcome in outcomes) == 1
    assert {type(outcome) for outcome in outcomes} == {Post, TitleTaken}


async def test_saving_replaces_all_but_features_and_birth(storage: Storage) -> None:
    post = await add(storage, "Before", additional_data={"old": 1})
    features = await storage.features.add(post.id, [a_new_feature()])
    saved = await storage.posts.save(post.id, NewPost("After", "New content", {"new": 2}), 1)
    assert saved == Post(post.id, "After", "New content", {"new": 2}, SOME_MOMENT, 2)
    found = await storage.posts.find_with_features(post.id)
    assert found is not None
    assert (found.title, found.features) == ("After", features)


async def test_saving_whichever_version_raises_the_version(storage: Storage) -> None:
    post = await add(storage)
    await storage.posts.save(post.id, a_new_post("Once"), None)
    saved = await storage.posts.save(post.id, a_new_post("Twice"), None)
    assert saved.version == 3


async def test_a_stale_version_is_refused(storage: Storage) -> None:
    post = await add(storage)
    await storage.posts.save(post.id, a_new_post("Newer"), 1)
    with pytest.raises(PostChanged) as refused:
        await storage.posts.save(post.id, a_new_post("Older"), 1)
    assert refused.value.code == "POST_CHANGED"
    found = await storage.posts.find(post.id)
    assert found is not None
    assert (found.title, found.version) == ("Newer", 2)


async def test_saving_what_is_not_there_is_refused(storage: Storage) -> None:
    with pytest.raises(PostNotFound):
        await storage.posts.save(4711, a_new_post(), None)


async def test_saving_under_a_taken_title_is_refused(storage: Storage) -> None:
    await add(storage, "Taken")
    post = await add(storage, "Free")
    with pytest.raises(TitleTaken):
        await storage.posts.save(post.id, a_new_post("Taken"), 1)


async def test_a_post_keeps_its_own_title(storage: Storage) -> None:
    post = await add(storage, "Mine")
    saved = await storage.posts.save(post.id, a_new_post("Mine", "New content"), 1)
    assert saved.version == 2


async def test_of_twenty_who_save_one_version_one_wins_each_round(storage: Storage) -> None:
    post = await add(storage)
    for version in range(1, 6):
        attempts = (storage.posts.save(post.id, a_new_post(f"By {n}"), version) for n in range(20))
        outcomes = await asyncio.gather(*attempts, return_exceptions=True)
        winners = [outcome for outcome in outcomes if isinstance(outcome, Post)]
        assert len(winners) == 1
        assert sum(isinstance(outcome, PostChanged) for outcome in outcomes) == 19
        assert await storage.posts.find(post.id) == winners[0]


async def test_removing_takes_the_features_along(storage: Storage) -> None:
    post = await add(storage)
    await storage.features.add(post.id, [a_new_feature()])
    await storage.posts.remove(post.id, 1)
    assert await storage.posts.find_with_features(post.id) is None
    assert (await storage.features.page(FeatureQuery(include_inactive=True))).total == 0


async def test_removing_a_stale_version_is_refused(storage: Storage) -> None:
    post = await add(storage)
    await storage.posts.save(post.id, a_new_post(), 1)
    with pytest.raises(PostChanged):
        await storage.posts.remove(post.id, 1)
    assert await storage.posts.find(post.id) is not None


async def test_removing_what_is_not_there_is_refused(storage: Storage) -> None:
    with pytest.raises(PostNotFound):
        await storage.posts.remove(4711, None)


async def test_the_id_of_a_removed_post_is_never_given_again(storage: Storage) -> None:
    post = await add(storage)
    await storage.posts.remove(post.id, None)
    assert (await add(storage)).id > post.id


async def test_features_are_read_with_their_post_in_their_order(storage: Storage) -> None:
    post = await add(storage)
    features = await storage.features.add(post.id, [a_new_feature("b"), a_new_feature("a", is_active=False)])
    found = await storage.posts.find_with_features(post.id)
    assert found is not None
    assert found.features == features
    assert found.id == post.id
