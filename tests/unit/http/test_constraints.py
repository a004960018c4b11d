"""Every validator of attrs is read into constraints, or refused by name: a renamed class would show here."""

import re
from typing import Any

import attrs
import pytest
from attrs import validators

from app.entrypoints.http.constraints import Constraints, constraints_of
from app.entrypoints.http.signature import MountError


def of(validator: Any) -> Constraints:
    class_ = attrs.make_class("Holder", {"field": attrs.field(validator=validator)})
    return constraints_of(attrs.fields(class_).field)


def own(instance: object, attribute: object, value: object) -> None: ...


@pytest.mark.parametrize(
    ("validator", "expected"),
    [
        (None, Constraints()),
        (validators.ge(1), Constraints(ge=1)),
        (validators.gt(1), Constraints(gt=1)),
        (validators.le(1), Constraints(le=1)),
        (validators.lt(1), Constraints(lt=1)),
        (validators.min_len(1), Constraints(min_len=1)),
        (validators.max_len(1), Constraints(max_len=1)),
        (validators.matches_re("a+"), Constraints(pattern="a+")),
        (validators.matches_re(re.compile("a+"), func=re.fullmatch), Constraints(pattern="a+")),
        (validators.in_(["a", "b"]), Constraints(choices=("a", "b"))),
        (validators.instance_of(int), Constraints()),
        (validators.optional(validators.ge(1)), Constraints(ge=1)),
        (validators.optional([validators.ge(1), validators.le(2)]), Constraints(ge=1, le=2)),
        (validators.and_(validators.ge(1), validators.le(2)), Constraints(ge=1, le=2)),
        (validators.deep_iterable(validators.ge(1)), Constraints(item=Constraints(ge=1))),
        (
            validators.deep_iterable([validators.ge(1), validators.le(2)], validators.max_len(3)),
            Constraints(max_len=3, item=Constraints(ge=1, le=2)),
        ),
        (own, Constraints(custom=(own,))),
        ([validators.ge(1), own, own], Constraints(ge=1, custom=(own, own))),
    ],
)
def test_a_validator_says_what_it_limits(validator: Any, expected: Constraints) -> None:
    assert of(validator) == expected


@pytest.mark.parametrize(
    "validator",
    [
        validators.or_(validators.ge(1), validators.le(0)),
        validators.not_(validators.ge(1)),
        validators.deep_mapping(validators.min_len(1), validators.ge(1)),
        validators.and_(validators.ge(1), validators.not_(validators.le(5))),
        validators.optional(validators.or_(validators.ge(1), validators.le(0))),
        validators.deep_iterable(validators.not_(validators.ge(1))),
    ],
)
def test_a_validator_that_no_schema_can_tell_stops_the_start(validator: Any) -> None:
    with pytest.raises(MountError, match=r"field: _\w+ cannot be described"):
        of(validator)
