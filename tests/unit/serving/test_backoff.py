from app.entrypoints.serving.backoff import LONGEST, STEADY, Backoff


def after(*served: float) -> float:
    backoff = Backoff()
    for seconds in served:
        backoff.died(seconds)
    return backoff.pause


def test_a_worker_that_dies_once_is_replaced_at_once() -> None:
    assert after() == after(0.0) == after(STEADY) == 0.0


def test_workers_that_die_young_are_replaced_ever_later() -> None:
    assert [after(*[0.1] * number) for number in (2, 3, 4)] == [0.5, 1.0, 2.0]


def test_the_pause_has_an_end() -> None:
    assert after(*[0.1] * 1000) == LONGEST


def test_a_worker_that_served_long_ends_the_loop() -> None:
    assert after(0.1, 0.1, 0.1, STEADY) == 0.0
