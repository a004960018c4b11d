"""What is told of a failed reading; and that a fault of ours is not told as the caller's."""

from typing import Any

import attrs
import pytest

from app.entrypoints.http.converters import body_decoder
from app.entrypoints.http.errors import ValidationFailed, Violation
from app.entrypoints.http.scalars import Refused
from app.entrypoints.http.violations import violations_of


def failing(error: Exception) -> Any:
    def read() -> None:
        raise error

    return read


def test_a_refusal_without_a_place_names_no_field() -> None:
    assert violations_of(failing(Refused("A", "a", {"min": 1})), {}) == [Violation("A", "a", None, {"min": 1})]


def test_a_fault_of_ours_is_no_violation() -> None:
    with pytest.raises(ZeroDivisionError):
        violations_of(failing(ZeroDivisionError()), {})


def test_the_two_readings_agree_or_it_is_a_fault_of_ours() -> None:
    with pytest.raises(AssertionError, match="refused what the detailed one accepts"):
        violations_of(lambda: None, {})


def test_a_default_that_fails_is_a_fault_of_ours() -> None:
    def broken() -> int:
        raise ZeroDivisionError

    @attrs.frozen
    class Broken:
        value: int = attrs.field(factory=broken)

    with pytest.raises(ZeroDivisionError):
        body_decoder(Broken)(b"{}")


def test_the_names_that_are_told_back_are_cut() -> None:
    @attrs.frozen
    class Empty:
        pass

    with pytest.raises(ValidationFailed) as refused:
        body_decoder(Empty)(b'{"' + b"x" * 1000 + b'": 1}')
    assert refused.value.errors == [Violation("UNKNOWN_FIELD", "This is no field here.", "x" * 100)]
