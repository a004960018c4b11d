"""What is read as JSON is what every database and every reader takes; all else is malformed."""

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.entrypoints.http.errors import MalformedRequest
from app.entrypoints.http.strict_json import MAX_DEPTH, decode

STORABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | STORABLE,
    lambda inner: st.lists(inner) | st.dictionaries(STORABLE, inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_was_written_is_read_again(value: Any, ascii_only: bool) -> None:
    assert decode(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary())
def test_any_bytes_are_read_or_malformed(body: bytes) -> None:
    with suppress(MalformedRequest):
        decode(body)


@given(st.text('{}[]",:0123456789.eE+-\\u dtrfalsn\n'))
def test_any_text_that_looks_like_json_is_read_or_malformed(text: str) -> None:
    with suppress(MalformedRequest):
        decode(text.encode())


def nested(depth: int, opening: str, closing: str) -> bytes:
    return (opening * depth + "1" + closing * depth).encode()


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_ends_at_its_limit(opening: str, closing: str) -> None:
    decode(nested(MAX_DEPTH, opening, closing))
    with pytest.raises(MalformedRequest) as refused:
        decode(nested(MAX_DEPTH + 1, opening, closing))
    assert refused.value.code == "NESTED_TOO_DEEPLY"


def test_brackets_in_text_nest_nothing() -> None:
    assert decode(json.dumps(["[" * 1000]).encode()) == ["[" * 1000]


def test_negative_zero_and_whole_floats_keep_their_kind() -> None:
    zero, whole = decode(b"[-0.0, 1.0]")
    assert (math.copysign(1, zero), type(whole)) == (-1, float)


def test_a_key_that_is_given_twice_is_named() -> None:
    with pytest.raises(MalformedRequest) as refused:
        decode(b'{"a": {"b": 1, "c": 2, "b": 3}}')
    assert refused.value.errors[0].field_name == "b"


@pytest.mark.parametrize("body", [b'"\\ud800"', b'{"\\u0000": 1}', b'["\\udc00\\ud800"]', b'{"a": {"b": ["\\u0000"]}}'])
def test_text_that_not_everyone_can_store_is_refused_wherever_it_is(body: bytes) -> None:
    with pytest.raises(MalformedRequest) as refused:
        decode(body)
    assert refused.value.code == "INVALID_TEXT"


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert decode(b'"\\ud83d\\ude00"') == "\U0001f600"
