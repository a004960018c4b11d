"""Every fault, in its short form: nothing acknowledged is lost, nothing waits for ever, nothing is left behind.

`make faults` runs the full form and renews docs/faults.md.
"""

from pathlib import Path

import pytest

from tests.faults.__main__ import migrations_of
from tests.faults.scenarios import ANYWHERE, IN_A_SERVER, SHORT
from tests.faults.stage import LEFT, judged, stage
from tests.subjects import SUBJECTS

CASES = [
    (storage, fault)
    for storage, subject in SUBJECTS.items()
    for fault in (*(IN_A_SERVER if subject.kind else ()), *ANYWHERE)
    if fault != "table altered" or subject.run
]


@pytest.mark.parametrize(("storage", "fault"), CASES)
async def test_a_fault_costs_nothing_that_was_promised(storage: str, fault: str, tmp_path: Path) -> None:
    run = {**IN_A_SERVER, **ANYWHERE}[fault](SHORT)
    async with stage(SUBJECTS[storage], tmp_path) as on:
        verdict = await judged(on, fault, run)
    assert verdict.acknowledged > 20
    assert (verdict.lost, verdict.unsent, verdict.wrong, verdict.late, verdict.unexpected) == (0, 0, 0, 0, [])
    assert verdict.recovery < 10
    assert verdict.left <= LEFT, (verdict.before, verdict.after)


@pytest.mark.parametrize("storage", SUBJECTS)
async def test_migrations_at_once_apply_each_step_once_whoever_is_killed(storage: str) -> None:
    verdict = await migrations_of(SUBJECTS[storage], rounds=1)
    assert (verdict.failed, verdict.repeated, verdict.unfinished) == (0, 0, 0)
