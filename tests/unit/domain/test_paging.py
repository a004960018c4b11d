"""Cursors: what is made comes back, and nothing else gets in."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.model.paging import INT64_MAX, InvalidCursor, Position, SortDir, decode_cursor, encode_cursor
from app.domain.model.posts import TITLE_MAX, PostQuery, PostSort, position_of
from tests.builders import a_post

ORDER = "title.asc"

int64 = st.integers(-INT64_MAX, INT64_MAX)
storable_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=TITLE_MAX)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
)


def a_cursor_of(text: str | bytes) -> str:
    """What a forger would send: any text in the cursor's outer form."""
    raw = text if isinstance(text, bytes) else text.encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@given(st.sampled_from(PostSort), st.sampled_from(SortDir), storable_text | int64, int64)
def test_a_position_survives_its_cursor(sort: PostSort, sort_dir: SortDir, value: str | int, last_id: int) -> None:
    order = PostQuery(sort=sort, sort_dir=sort_dir).order

    cursor = encode_cursor(order, Position(value, last_id))

    assert Position(value, last_id) == decode_cursor(order, cursor, type(value))


@given(storable_text, int64)
@example("\U0001f600" * TITLE_MAX, INT64_MAX)
@example("\x01" * TITLE_MAX, INT64_MAX)
def test_a_cursor_is_safe_in_a_url_and_short_enough_for_a_query(title: str, last_id: int) -> None:
    cursor = encode_cursor("title.desc", Position(title, last_id))

    assert cursor.replace("-", "a").replace("_", "a").isalnum()
    assert cursor == PostQuery(cursor=cursor).cursor


@given(st.text())
def test_any_text_is_a_cursor_or_an_invalid_one(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(ORDER, text, str)


@given(st.binary())
def test_any_bytes_inside_are_a_cursor_or_an_invalid_one(raw: bytes) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(ORDER, a_cursor_of(raw), str)


@given(st.lists(json_values, min_size=3, max_size=3) | json_values)
def test_any_json_inside_is_a_cursor_or_an_invalid_one(value: object) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(ORDER, a_cursor_of(json.dumps(value)), str)


@given(json_values, json_values, st.sampled_from([str, int]))
def test_any_json_in_the_right_form_is_a_position_or_an_invalid_cursor(
    value: object, last_id: object, value_type: type[str] | type[int]
) -> None:
    cursor = a_cursor_of(json.dumps([ORDER, value, last_id]))
    try:
        position = decode_cursor(ORDER, cursor, value_type)
    except InvalidCursor:
        return
    assert (value_type, int) == (type(position.value), type(position.id))
    assert (value, last_id) == (position.value, position.id)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "1",
        '"abc"',
        '{"a": 1, "b": 2, "c": 3}',
        '["title.asc"]',
        '["title.asc", "a", 1, 2]',
        '["title.asc", "a", null]',
        '["title.asc", "a", true]',
        '["title.asc", true, 1]',
        '["title.asc", null, 1]',
        '["title.asc", 1.0, 1]',
        '["title.asc", "a", 1.0]',
        '["title.asc", NaN, 1]',
        '["title.asc", Infinity, 1]',
        '["title.asc", ["a"], 1]',
        '["title.asc", "a\\u0000b", 1]',
        '["title.asc", "\\ud800", 1]',
        '["title.asc", "\\udfff", 1]',
        '["title.asc", "a", 9223372036854775808]',
        '["title.asc", 9223372036854775808, 1]',
        '["title.asc", "a", -9223372036854775808]',
        f'["title.asc", "a", {"9" * 5000}]',
        '["title.asc", "a", 1e999]',
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000,
        '[["title.asc"], "a", 1]',
        '["title.desc", "a", 1]',
        '["TITLE.ASC", "a", 1]',
        "\x00\x00\x00[",
    ],
    ids=lambda text: text[:40].replace("\0", "0") or "empty",
)
def test_a_forged_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor) as refused:
        decode_cursor(ORDER, a_cursor_of(text), str)

    assert (refused.value.code, refused.value.field_name) == ("INVALID_CURSOR", "cursor")


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00\xd8", b"\xed\xa0\x80", b'["title.asc","\xff",1]', b"\xef\xbb\xbf[]"])
def test_a_cursor_of_broken_text_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(ORDER, a_cursor_of(raw), str)


@pytest.mark.parametrize("cursor", ["=", "====", "a", "\ud800", "é", "\0", " ", "W10\n", "W10=", "+/+/", "%5B"])
def test_what_is_not_in_the_outer_form_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(ORDER, cursor, str)


def test_a_cursor_for_another_order_is_refused() -> None:
    cursor = encode_cursor("title.desc", Position("a", 1))

    with pytest.raises(InvalidCursor):
        decode_cursor("title.asc", cursor, str)


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(ORDER, encode_cursor(ORDER, Position(1, 1)), str)
    with pytest.raises(InvalidCursor):
        decode_cursor(ORDER, encode_cursor(ORDER, Position("1", 1)), int)


def test_a_position_counts_moments_in_milliseconds() -> None:
    post = a_post(7, title="t", created_at=datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC))

    assert Position(253_402_300_799_999, 7) == position_of(post, PostSort.CREATED_AT)
    assert Position("t", 7) == position_of(post, PostSort.TITLE)
    assert Position(7, 7) == position_of(post, PostSort.ID)
