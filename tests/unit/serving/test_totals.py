import re

import attrs
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from app.entrypoints.http.metrics import HttpMetrics
from app.entrypoints.serving.accounts import Accounts
from app.entrypoints.serving.link import Family
from app.entrypoints.serving.totals import Totals, snapshot


def a_worker(requests: int, *, running: int = 0) -> list[Family]:
    registry = CollectorRegistry()
    route = HttpMetrics(registry).of("GET", "/posts")
    route.in_progress = requests + running
    for _ in range(requests):
        route.finished(200, 0.002)
    return snapshot(registry)


def values(totals: Totals) -> dict[str, float]:
    """The values by the name of the series, with its status or bucket."""
    return {
        sample.name + sample.labels.get("status", "") + sample.labels.get("le", ""): sample.value
        for family in text_string_to_metric_families(totals.text())
        for sample in family.samples
    }


def test_workers_are_added_up() -> None:
    totals = Totals()
    totals.add(a_worker(2, running=1))
    totals.add(a_worker(3, running=4))
    found = values(totals)
    assert found["http_requests_total200"] == 5
    assert found["http_requests_in_progress"] == 5
    assert found["http_request_duration_seconds_count"] == 5
    assert found["http_request_duration_seconds_bucket0.001"] == 0
    assert found["http_request_duration_seconds_bucket0.0025"] == 5


def test_a_worker_that_is_gone_leaves_what_it_counted_and_nothing_of_what_it_had() -> None:
    totals = Totals()
    totals.add_what_stays(a_worker(2, running=7))
    totals.add(a_worker(3, running=1))
    found = values(totals)
    assert found["http_requests_total200"] == 5
    assert found["http_request_duration_seconds_bucket+Inf"] == 5
    assert found["http_requests_in_progress"] == 1


def test_a_series_that_only_one_worker_has_is_there() -> None:
    totals = Totals()
    totals.add(a_worker(0))
    totals.add(a_worker(1))
    assert values(totals)["http_requests_total200"] == 1


def test_the_sum_of_one_worker_reads_as_its_own_page() -> None:
    registry = CollectorRegistry()
    Counter("jobs", "Jobs done.", ["kind"], registry=registry).labels("a").inc(3)
    Gauge("queue", "Jobs waiting.", registry=registry).set(1.5)
    totals = Totals()
    totals.add(snapshot(registry))
    assert totals.text() == generate_latest(registry).decode()


def test_the_moment_of_creation_is_the_first_one() -> None:
    totals = Totals()
    for moment in (20.0, 10.0, 30.0):
        totals.add([Family("jobs", "", "counter", [("jobs_created", {}, moment)])])
    assert totals.families()[0].samples == [("jobs_created", {}, 10.0)]


def a_gauge(name: str, value: float) -> list[Family]:
    return [Family(name, "", "gauge", [(name, {}, value)])]


@pytest.mark.parametrize("name", ["service_ready", "storage_up", "process_start_time_seconds"])
def test_of_states_and_moments_the_least_one_stands(name: str) -> None:
    totals = Totals()
    for value in (1, 0.5, 1):
        totals.add(a_gauge(name, value))
    assert values(totals) == {name: 0.5}


@attrs.define
class AWorker:
    """A worker as far as the accounts look at it."""

    is_ready: bool
    last: list[Family]

    async def refresh(self, seconds: float) -> None:
        """It has told already."""


@pytest.mark.parametrize(
    ("workers", "is_ready"),
    [
        ([(True, 1.0), (True, 1.0)], 1.0),
        ([(True, 1.0), (True, 0.0)], 0.0),
        ([(True, 1.0), (False, 0.0)], 1.0),
        ([(False, 0.0)], 0.0),
    ],
    ids=["all", "one is not", "one that comes or goes", "none serves"],
)
async def test_a_service_is_ready_as_its_workers_that_serve_are(
    workers: list[tuple[bool, float]], is_ready: float
) -> None:
    text = await Accounts().text([AWorker(serves, a_gauge("service_ready", value)) for serves, value in workers])  # type: ignore[misc]
    assert f"service_ready {is_ready}\n" in text


async def test_the_parent_counts_as_a_process_too() -> None:
    assert re.search(r"^process_resident_memory_bytes [1-9]", await Accounts().text([]), re.MULTILINE)
