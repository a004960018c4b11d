"""A request's id: the caller's, if it is safe to log and to send back."""

import pytest

from app.entrypoints.http.request_ids import RequestIds


@pytest.mark.parametrize("offered", ["a", "A-b_c.d:e/f+g=", "x" * 128, "8f2d40c1a9be6673-00000001"])
def test_a_sane_id_is_taken(offered: str) -> None:
    assert RequestIds().id_for(offered) == offered


@pytest.mark.parametrize("offered", [None, "", "x" * 129, "a b", "a\n", "a\r\nX: y", "é", '"', "\0", "a;b", "<b>"])
def test_any_other_is_replaced(offered: str | None) -> None:
    assert RequestIds().id_for(offered) != offered


def test_no_two_are_alike() -> None:
    one, other = RequestIds(), RequestIds()
    made = [ids.id_for(None) for ids in (one, other) for _ in range(1000)]
    assert len(set(made)) == 2000


def test_what_is_made_is_sane_itself() -> None:
    made = RequestIds().id_for(None)
    assert RequestIds().id_for(made) == made
