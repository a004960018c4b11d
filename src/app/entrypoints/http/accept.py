"""Which of the two forms of an error a caller prefers, by its Accept header (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Iterator, Mapping

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"

_WEIGHT = re.compile(r"[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")


def prefers_problem(headers: Mapping[str, str]) -> bool:
    """Whether problem details are preferred to the envelope: by weight, or with the same weight by name.

    A header that names neither, such as `*/*`, gets the envelope. Of several headers all are read.
    """
    accepted = [value for name, value in headers.items() if name.lower() == "accept"]
    weights = {media: weight for line in accepted for media, weight in _weighted(line)}
    problem, envelope = _weight_of(PROBLEM_JSON, weights), _weight_of(JSON, weights)
    return problem > envelope or (problem == envelope > 0 and PROBLEM_JSON in weights)


def _weight_of(media: str, weights: dict[str, float]) -> float:
    """What the most specific range that covers it says."""
    return next((weights[each] for each in (media, "application/*", "*/*") if each in weights), 0.0)


def _weighted(line: str) -> Iterator[tuple[str, float]]:
    """The media ranges of a header and their weights; one with a weight that is none counts as not sent."""
    for part in line.split(","):
        media, *parameters = (each.strip() for each in part.split(";"))
        given = [each for each in parameters if each[:2] in ("q=", "Q=")]
        weight = _WEIGHT.fullmatch(given[0]) if given else None
        if weight is not None or not given:
            yield media.lower(), float(weight[1]) if weight is not None else 1.0
