"""Who gets an error as problem details, and who in the envelope."""

import pytest
from multidict import CIMultiDict

from app.entrypoints.http.accept import prefers_problem


@pytest.mark.parametrize(
    "header",
    [
        "application/problem+json",
        "Application/Problem+JSON; charset=utf-8",
        "application/json, application/problem+json",
        "application/problem+json, */*;q=0.8",
        "application/problem+json;q=0.5, application/json;q=0.4",
        "application/problem+json;q=0.001",
        "application/json;q=0, */*",
        "text/html,application/problem+json;q=0.9",
        "application/problem+json ; Q=1.000",
        "application/problem+json;q=0.5, application/json;q=high",
    ],
)
def test_problem_details_are_for_who_prefers_them(header: str) -> None:
    assert prefers_problem({"accept": header})


@pytest.mark.parametrize(
    "header",
    [
        "*/*",
        "application/*",
        "",
        ",;q=,",
        "application/json",
        "text/html",
        "application/problem+json;q=0",
        "application/problem+json;q=0.000, */*",
        "application/problem+json;q=0.5, */*",
        "application/problem+json;q=0.5, application/json",
        "application/problem+json;q=nan",
        "application/problem+json;q=2",
        "application/problem+jsonx",
        "x-application/problem+json",
        "application/json;q=0",
    ],
)
def test_everybody_else_gets_the_envelope(header: str) -> None:
    assert not prefers_problem({"accept": header})


def test_what_several_headers_accept_counts_together() -> None:
    headers = CIMultiDict([("Accept", "application/json;q=0.5"), ("Accept", "application/problem+json")])
    assert prefers_problem(headers)
    assert not prefers_problem({})
