"""The breaker: when it opens, whom it lets in, and what closes it."""

import attrs
import pytest

from app.adapters.http.breaker import Breaker
from app.adapters.http.errors import CallRefused, CircuitOpen, OutOfTime, UpstreamError, UpstreamMissing
from app.adapters.http.settings import ClientSettings

SETTINGS = ClientSettings(breaker_window=10, breaker_calls=4, breaker_failures=0.5, breaker_pause=5)


@attrs.define
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("upstream", SETTINGS, clock)


def state_of(breaker: Breaker) -> str:
    return breaker.state  # as a text, which mypy doesn't take for settled after one look


def succeed(breaker: Breaker) -> None:
    with breaker.passage():
        pass


def fail(breaker: Breaker, error: BaseException | None = None) -> None:
    error = error or UpstreamError("Try again later.", "500")
    with pytest.raises(type(error)), breaker.passage():
        raise error


def is_refused(breaker: Breaker) -> bool:
    try:
        succeed(breaker)
    except CircuitOpen:
        return True
    return False


def opened(breaker: Breaker) -> Breaker:
    for _ in range(4):
        fail(breaker)
    return breaker


def test_it_opens_when_the_part_that_fails_is_reached(breaker: Breaker) -> None:
    succeed(breaker)
    succeed(breaker)
    fail(breaker)
    assert state_of(breaker) == "closed"
    fail(breaker)
    assert state_of(breaker) == "open"
    assert is_refused(breaker)


def test_a_few_failures_alone_do_not_open_it(breaker: Breaker) -> None:
    for _ in range(3):
        fail(breaker)
    assert state_of(breaker) == "closed"


def test_failures_are_forgotten_with_the_window(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        fail(breaker)
    clock.now = 10.1
    fail(breaker)
    assert state_of(breaker) == "closed"


@pytest.mark.parametrize("error", [UpstreamMissing("Not there."), CallRefused("No."), OutOfTime("Late.")])
def test_what_is_not_the_upstreams_fault_does_not_open_it(breaker: Breaker, error: Exception) -> None:
    for _ in range(20):
        fail(breaker, error)
    assert state_of(breaker) == "closed"


def test_answers_that_something_is_missing_count_as_answers(breaker: Breaker) -> None:
    for _ in range(6):
        fail(breaker, UpstreamMissing("Not there."))
    for _ in range(5):
        fail(breaker)
    assert state_of(breaker) == "closed"


def test_after_the_pause_one_probe_passes_and_no_more(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 4.9
    assert is_refused(breaker)
    clock.now = 5.0
    with breaker.passage():
        assert is_refused(breaker)
    assert not is_refused(breaker)


def test_a_probe_that_succeeds_closes_it_with_a_clean_record(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 5.0
    succeed(breaker)
    for _ in range(3):
        fail(breaker)
    assert state_of(breaker) == "closed"


def test_a_probe_that_fails_opens_it_for_another_pause(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 5.0
    fail(breaker)
    clock.now = 9.9
    assert state_of(breaker) == "open"
    clock.now = 10.0
    assert state_of(breaker) == "half-open"


@pytest.mark.parametrize("error", [OutOfTime("Late."), KeyboardInterrupt()])
def test_a_probe_that_proves_nothing_leaves_room_for_another(
    breaker: Breaker, clock: Clock, error: BaseException
) -> None:
    opened(breaker)
    clock.now = 5.0
    fail(breaker, error)
    assert state_of(breaker) == "half-open"
    assert not is_refused(breaker)


def test_a_call_from_before_says_nothing_of_the_present(breaker: Breaker, clock: Clock) -> None:
    with breaker.passage():
        opened(breaker)
    assert state_of(breaker) == "open"
    clock.now = 5.0
    late = breaker.passage()
    late.__enter__()
    assert state_of(breaker) == "half-open"


def test_a_late_end_does_not_take_the_probes_place(breaker: Breaker, clock: Clock) -> None:
    early = breaker.passage()
    early.__enter__()
    opened(breaker)
    clock.now = 5.0
    with breaker.passage():
        assert early.__exit__(None, None, None) is not True
        assert is_refused(breaker)


def test_thresholds_can_change_while_it_works(breaker: Breaker) -> None:
    breaker.settings = attrs.evolve(SETTINGS, breaker_calls=2)
    fail(breaker)
    fail(breaker)
    assert state_of(breaker) == "open"
