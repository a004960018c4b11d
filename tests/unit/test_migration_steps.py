"""How a step is named, and what is refused before anything is changed."""

import pytest

from app.entrypoints.migrate_command import to_apply, to_take_back
from app.ports.migrations import Migration, MigrationError, up_to

IDS = ["0001.one", "0002.two", "0010.ten"]
APPLIED = [
    Migration("0001.one", applied=True),
    Migration("0002.two", applied=True),
    Migration("0010.ten", applied=False),
]


@pytest.mark.parametrize(("to", "count"), [(None, 3), ("1", 1), ("0001", 1), ("10", 3), ("0002.two", 2)])
def test_a_step_is_named_by_its_id_or_its_number(to: str | None, count: int) -> None:
    assert up_to(IDS, to) == IDS[:count]


@pytest.mark.parametrize("to", ["", "0", "3", "two", "0001.", "100"])
def test_a_step_that_is_not_there_is_told(to: str) -> None:
    with pytest.raises(MigrationError, match=r"the last one is 0010\.ten"):
        up_to(IDS, to)


def test_what_is_missing_up_to_a_step_is_applied() -> None:
    assert to_apply(APPLIED, None) == ["0010.ten"]
    assert to_apply(APPLIED, "2") == []


def test_a_storage_beyond_that_step_is_told_of() -> None:
    with pytest.raises(MigrationError, match=r"beyond that: 0002\.two"):
        to_apply(APPLIED, "1")


def test_no_more_is_taken_back_than_there_is() -> None:
    assert to_take_back(APPLIED, 2) == ["0002.two", "0001.one"]
    with pytest.raises(MigrationError, match="Only 2 of the 3 steps"):
        to_take_back(APPLIED, 3)
