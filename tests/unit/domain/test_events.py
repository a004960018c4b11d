"""Events: ids that rise with time, and one shard for all events of a post."""

import uuid
from datetime import timedelta

from app.domain.model.events import SHARDS, event_id, post_edited, post_published, post_removed
from tests.builders import SOME_MOMENT, a_post


def test_ids_are_uuids_of_version_7_that_rise_with_time() -> None:
    ids = [event_id(SOME_MOMENT + timedelta(milliseconds=step)) for step in range(100)]
    assert ids == sorted(ids)
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in ids} == {(7, uuid.RFC_4122)}


def test_ids_of_one_moment_differ() -> None:
    assert len({event_id(SOME_MOMENT) for _ in range(1000)}) == 1000


def test_all_events_of_a_post_are_in_one_shard_of_those_there_are() -> None:
    events = [
        post_published(a_post(35), SOME_MOMENT),
        post_edited(a_post(35), SOME_MOMENT),
        post_removed(35, SOME_MOMENT),
    ]
    assert {event.shard for event in events} == {35 % SHARDS}
