"""A value out of its limits is refused with a code, the limit in the message, and the limit for programs."""

from typing import Any

import pytest

from app.entrypoints.http.checks import checked
from app.entrypoints.http.constraints import Constraints
from app.entrypoints.http.scalars import Refused
from app.entrypoints.http.signature import MountError

# limits, what they let in, what they refuse: code, message, meta
LIMITS: list[tuple[Constraints, list[Any], list[tuple[Any, str, str, dict[str, Any]]]]] = [
    (Constraints(ge=1), [1, 2], [(0, "TOO_SMALL", "Send at least 1.", {"min": 1})]),
    (Constraints(ge=0), [0, 0.0], [(-1, "TOO_SMALL", "Send at least 0.", {"min": 0})]),
    (Constraints(gt=0), [0.1], [(0, "TOO_SMALL", "Send more than 0.", {"min": 0})]),
    (Constraints(le=9), [9, -9], [(10, "TOO_LARGE", "Send at most 9.", {"max": 9})]),
    (Constraints(lt=9), [8.9], [(9, "TOO_LARGE", "Send less than 9.", {"max": 9})]),
    (
        Constraints(ge=1, le=2),
        [1, 2],
        [(0, "TOO_SMALL", "Send at least 1.", {"min": 1}), (3, "TOO_LARGE", "Send at most 2.", {"max": 2})],
    ),
    (Constraints(min_len=1), ["a", [1]], [("", "TOO_SHORT", "Send at least 1 character.", {"min": 1})]),
    (Constraints(min_len=1), [[1]], [([], "TOO_SHORT", "Send at least 1 item.", {"min": 1})]),
    (Constraints(max_len=2), ["😀😀", ""], [("abc", "TOO_LONG", "Send at most 2 characters.", {"max": 2})]),
    (Constraints(max_len=0), [""], [("a", "TOO_LONG", "Send at most 0 characters.", {"max": 0})]),
    (
        Constraints(pattern="[a-z]+"),
        ["abc"],
        [
            (wrong, "WRONG_PATTERN", "Send text of the form [a-z]+.", {"pattern": "[a-z]+"})
            for wrong in ("", "abc1", "1abc", "abc\n")
        ],
    ),
    (
        Constraints(choices=("a", 1)),
        ["a", 1],
        [("b", "NOT_A_CHOICE", "Send one of: a, 1.", {"choices": ["a", 1]})],
    ),
    (Constraints(item=Constraints(ge=0)), [[], [0, 1]], [([1, -1], "TOO_SMALL", "Send at least 0.", {"min": 0})]),
]


@pytest.mark.parametrize(("limits", "value"), [(limits, value) for limits, good, _ in LIMITS for value in good])
def test_what_is_within_its_limits_is_let_in(limits: Constraints, value: object) -> None:
    check = checked(limits)
    assert check is not None
    check(value)


@pytest.mark.parametrize(
    ("limits", "value", "code", "message", "meta"), [(limits, *refused) for limits, _, bad in LIMITS for refused in bad]
)
def test_what_is_out_of_its_limits_is_told_them(
    limits: Constraints, value: object, code: str, message: str, meta: dict[str, Any]
) -> None:
    check = checked(limits)
    assert check is not None
    with pytest.raises(Refused) as refused:
        check(value)
    assert (refused.value.code, refused.value.message, refused.value.meta) == (code, message, meta)


@pytest.mark.parametrize("limits", [limits for limits, _, _ in LIMITS])
def test_nothing_is_within_all_limits(limits: Constraints) -> None:
    check = checked(limits)
    assert check is not None
    check(None)


@pytest.mark.parametrize("limits", [Constraints(), Constraints(item=None)])
def test_without_limits_there_is_nothing_to_call(limits: Constraints) -> None:
    assert checked(limits) is None


def test_a_function_of_ones_own_cannot_be_described() -> None:
    with pytest.raises(MountError, match="check in the domain"):
        checked(Constraints(custom=(print,)))
