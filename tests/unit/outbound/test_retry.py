"""When a failed attempt is followed by another."""

import asyncio

import pytest

from app.adapters.http.answers import seconds_of
from app.adapters.http.errors import OutOfTime, UnusableAnswer, UpstreamError, UpstreamMissing
from app.adapters.http.retry import RESERVE, Retries, RetryBudget
from app.adapters.http.settings import ClientSettings

SETTINGS = ClientSettings(retry_wait=0.1, attempts=3, attempt_timeout=2)
PASSING = UpstreamError("Try again later.", "503")


def retries(seconds: float = 60, settings: ClientSettings = SETTINGS) -> Retries:
    return Retries(settings, RetryBudget(1), asyncio.get_running_loop().time() + seconds)


async def test_the_wait_is_anything_up_to_a_bound_that_doubles() -> None:
    settings = ClientSettings(retry_wait=0.1, attempts=10)
    rounds = [retries(settings=settings) for _ in range(300)]
    for bound in (0.1, 0.2, 0.4):
        waits = [each(PASSING) for each in rounds]
        assert 0 <= min(waits) < bound * 0.1
        assert bound * 0.9 < max(waits) <= bound


async def test_there_are_no_more_attempts_than_allowed() -> None:
    ours = retries()
    assert ours(PASSING) is not False
    assert ours(PASSING) is not False
    assert ours(PASSING) is False


@pytest.mark.parametrize(
    "error",
    [UnusableAnswer("No.", "html"), UpstreamMissing("No."), OutOfTime("No."), ValueError(), asyncio.CancelledError()],
)
async def test_what_would_not_change_is_not_tried_again(error: BaseException) -> None:
    assert retries()(error) is False


async def test_the_upstreams_own_wish_is_honoured() -> None:
    wait = retries()(UpstreamError("Try again later.", "503", retry_after=7))
    assert 7 <= wait <= 7.1


async def test_without_time_for_another_attempt_there_is_none() -> None:
    assert retries(seconds=0.9)(PASSING) is False
    assert retries(seconds=5)(UpstreamError("Try again later.", "503", retry_after=4.5)) is False
    assert retries(seconds=5)(UpstreamError("Try again later.", "503", retry_after=3.5)) is not False


def test_the_budget_is_a_part_of_the_calls_and_a_small_reserve() -> None:
    budget = RetryBudget(0.1)
    granted = 0
    for _ in range(1000):
        budget.earn()
        granted += budget.spend() + budget.spend()
    assert granted <= 1000 * 0.1 + RESERVE
    assert granted >= 1000 * 0.1 - 1


def test_a_budget_of_nothing_has_only_its_reserve() -> None:
    budget = RetryBudget(0)
    for _ in range(10):
        budget.earn()
    assert [budget.spend() for _ in range(5)] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("", 0), ("0", 0), ("120", 120), ("-1", 0), ("1.5", 0), ("soon", 0), ("9" * 20, 0),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Wed, 21 Oct 2015 07:28:00", 0), ("Wed, 99 Oct 2015 99:99:99 GMT", 0)],
)  # fmt: skip
def test_retry_after_is_read_leniently(header: str | None, seconds: float) -> None:
    assert seconds_of(header) == seconds


def test_retry_after_may_be_a_date() -> None:
    assert seconds_of("Fri, 31 Dec 2100 23:59:59 GMT") > 1e9
