"""Each bound of a soak can be broken."""

import attrs
import pytest

from tests.soak.crowd import Comers, Failures
from tests.soak.measures import Held, Measure
from tests.soak.verdict import Outcome, Plan
from tests.unforgiving import Crowd, Requests

PARENT, WORKER = Held(100.0, 11), Held(120.0, 29)
PLAN = Plan(restarts=3, requests=200_000, failing=10_000, workers=2, seconds=1)


def a_measure(requests: int, parent: Held = PARENT, worker: Held = WORKER) -> Measure:
    return Measure(requests, parent, {1: worker, 2: WORKER}, frozenset({"a_total"}))


def an_outcome(*lasting: Measure, replaced: int = 6) -> Outcome:
    comers = Comers(Crowd(0, Requests("")), Failures("a token"))
    comers.crowd.tally.statuses[404] = 9_000
    comers.broken = 1_000
    replacing = [a_measure(each) for each in (0, 50_000, 100_000)]
    staying = [a_measure(each) for each in (100_000, 200_000, 300_000, 400_000)]
    return Outcome(comers, replacing, [*staying, *(lasting or [a_measure(400_001)])], replaced)


def broken(outcome: Outcome) -> list[str]:
    return [bound.name for bound in outcome.bounds(PLAN) if not bound.kept]


def test_what_stays_as_it_is_is_within_all_bounds() -> None:
    assert broken(an_outcome()) == []


def test_growth_while_caches_are_filled_does_not_count() -> None:
    cold = [a_measure(100_000, worker=Held(90.0, 25)), a_measure(150_000, worker=Held(110.0, 27))]
    outcome = an_outcome()
    assert broken(attrs.evolve(outcome, lasting=[*cold, *outcome.lasting[1:]])) == []


@pytest.mark.parametrize(
    ("last", "name"),
    [
        (a_measure(500_000, parent=Held(180.0, 11)), "memory of the parent"),
        (a_measure(500_000, parent=Held(100.0, 14)), "descriptors of the parent"),
        (a_measure(500_000, worker=Held(130.0, 29)), "memory of a worker that stays"),
        (a_measure(500_000, worker=Held(120.0, 32)), "descriptors of a worker that stays"),
        (attrs.evolve(a_measure(500_000), workers={1: WORKER, 3: WORKER}), "workers that stay"),
        (attrs.evolve(a_measure(500_000), series=frozenset({"a_total", "b_total"})), "metric series"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_grows_is_told(last: Measure, name: str) -> None:
    assert broken(an_outcome(last)) == [name]


def test_too_few_of_anything_is_told() -> None:
    outcome = attrs.evolve(an_outcome(replaced=5), lasting=[a_measure(each) for each in (100_000, 200_000, 300_000)])
    outcome.comers.broken = 999
    assert broken(outcome) == [
        "requests to workers that stay, once warm",
        "failing requests among all, broken connections too",
        "workers replaced under load",
    ]


def test_each_request_that_went_wrong_is_told() -> None:
    outcome = an_outcome()
    outcome.comers.crowd.tally.failures += ["500 in place of 200"] * 2
    outcome.comers.crowd.tally.refused = 1
    (lost,) = [bound for bound in outcome.bounds(PLAN) if not bound.kept]
    assert lost.measured == "2 × 500 in place of 200; 1 × connection refused"
