"""Whether a soak kept within its bounds."""

from collections import Counter
from collections.abc import Iterator

import attrs

from tests.soak.crowd import Comers
from tests.soak.measures import Measure, slope

SLOPE = 5.0
"""MiB that may be added per 100,000 requests, once it is warm."""
SPREAD = 2
"""By how much the number of descriptors may change, up or down, once it is warm."""


@attrs.frozen
class Plan:
    """Restarts of all workers, and then requests to the same ones, and failing ones among all; all within `seconds`."""

    restarts: int
    requests: int
    failing: int
    workers: int
    seconds: float

    @property
    def warming(self) -> int:
        """The requests that workers get before they are measured: their storage fills its caches."""
        return self.requests // 2


@attrs.frozen
class Bound:
    """What was promised, what was measured, and whether that is within it."""

    name: str
    limit: str
    measured: str
    kept: bool


@attrs.frozen
class Outcome:
    """What a soak saw: measures while workers were replaced, and while the same ones stayed."""

    comers: Comers
    replacing: list[Measure]
    lasting: list[Measure]
    replaced: int

    def bounds(self, plan: Plan) -> list[Bound]:
        """Each promise beside what was measured."""
        staying, all_warm = warmed(self.lasting, plan), self.replacing[len(self.replacing) // 3 :] + self.lasting
        return [
            at_least("requests to workers that stay, once warm", requests_between(staying), plan.requests),
            at_least("failing requests among all, broken connections too", self.comers.failing, plan.failing),
            at_least("workers replaced under load", self.replaced, plan.restarts * plan.workers),
            self._lost(),
            grows("memory of the parent", [(each.requests, each.parent.memory) for each in all_warm]),
            same("descriptors of the parent", [each.parent.descriptors for each in all_warm]),
            *_of_workers(staying, plan.workers),
            constant(all_warm),
        ]

    def _lost(self) -> Bound:
        tally = self.comers.crowd.tally
        lost = Counter(tally.failures) + Counter(["connection refused"] * tally.refused)
        told = "; ".join(f"{count:,} × {what}" for what, count in lost.most_common()) or "0"
        return Bound("requests lost, or answered otherwise than they should be", "0", told, not lost)


def _of_workers(staying: list[Measure], count: int) -> Iterator[Bound]:
    """The share of the requests that each worker got isn't known: it is taken for an equal one."""
    stayed = set.intersection(*(set(each.workers) for each in staying))
    yield at_least("workers that stay", len(stayed), count)
    for pid in sorted(stayed):
        held = [(each.requests / count, each.workers[pid]) for each in staying]
        yield grows("memory of a worker that stays", [(requests, each.memory) for requests, each in held])
        yield same("descriptors of a worker that stays", [each.descriptors for _, each in held])


def warmed(lasting: list[Measure], plan: Plan) -> list[Measure]:
    """The measures of workers that stay, without the requests that warmed them; at least the last one."""
    start = lasting[0].requests + plan.warming
    return [each for each in lasting if each.requests >= start] or lasting[-1:]


def requests_between(measures: list[Measure]) -> int:
    return measures[-1].requests - measures[0].requests


def at_least(name: str, count: int, limit: int) -> Bound:
    return Bound(name, f"at least {limit:,}", f"{count:,}", count >= limit)


def grows(name: str, points: list[tuple[float, float]]) -> Bound:
    rise = slope(points)
    told = f"{rise:+.2f} ({points[0][1]:.1f} → {points[-1][1]:.1f} MiB)"
    return Bound(name, f"at most +{SLOPE:g} MiB per 100,000 requests", told, rise <= SLOPE)


def same(name: str, descriptors: list[int]) -> Bound:
    first, least, most = descriptors[0], min(descriptors), max(descriptors)
    told = f"{first} at the start, then {least} to {most}"
    return Bound(name, f"± {SPREAD}", told, first - SPREAD <= least and most <= first + SPREAD)


def constant(measures: list[Measure]) -> Bound:
    """What only one of all workers tells may be missing for a moment, when that one is replaced."""
    first, last = measures[0].series, measures[-1].series
    changed = (first ^ last).union(*(each.series - first for each in measures))
    told = f"{len(first)} at the start, {len(last)} at the end" + "".join(f"; {each}" for each in sorted(changed))
    return Bound("metric series", "constant", told, not changed)
