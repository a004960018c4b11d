"""Tracing in processes of the service: spans reach a collector, and a collector that doesn't work harms nobody."""

import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.collector import collector
from tests.e2e.workers import served
from tests.processes import Service, end, environment_in, free_port, service
from tests.recorded_spans import TRACE_ID, TRACEPARENT

POSTS = "/api/v1/posts"


def get(running: Service, path: str) -> int:
    request = urllib.request.Request(running.url + path, headers={"traceparent": TRACEPARENT})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(answer.status)


def stop(running: Service) -> None:
    """End the service in order."""
    running.process.terminate()
    assert running.process.wait(20) == 0


def test_spans_reach_the_collector_at_the_end_at_the_latest(tmp_path: Path) -> None:
    with collector() as found:
        with service(tmp_path, TRACING__ENABLED="true", TRACING__ENDPOINT=found.url, VERSION="7.1") as running:
            assert get(running, f"{POSTS}?limit=3") == 200
            stop(running)
        assert found.paths == {"/v1/traces"}
        told = {span.name: (about, span) for about, span in found.spans()}
    about, server = told[f"GET {POSTS}"]
    assert (about["service.name"], about["service.version"]) == ("aiohttp service template", "7.1")
    assert about["deployment.environment.name"] == "dev"
    assert server.trace_id.hex() == TRACE_ID
    assert told["SELECT posts"][1].parent_span_id == server.span_id
    lines = [json.loads(line) for line in running.output.read_text().splitlines() if line.startswith("{")]
    (access,) = [line for line in lines if line.get("logger") == "access"]
    assert (access["trace_id"], access["span_id"]) == (TRACE_ID, server.span_id.hex())


@pytest.mark.long
def test_each_worker_is_an_instance_of_its_own(tmp_path: Path) -> None:
    with collector() as found:
        with served(tmp_path, workers=2, TRACING__ENABLED="true", TRACING__ENDPOINT=found.url) as running:
            with ThreadPoolExecutor(16) as clients:
                assert set(clients.map(lambda _: get(running, POSTS), range(200))) == {200}
            stop(running)
        instances = {about["service.instance.id"] for about, span in found.spans() if span.name == f"GET {POSTS}"}
        assert len([span for _, span in found.spans() if span.name == f"GET {POSTS}"]) == 200
    assert len(instances) == 2


def test_a_collector_that_is_not_there_harms_nobody(tmp_path: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with service(tmp_path, TRACING__ENABLED="true", TRACING__ENDPOINT=nobody, HTTP__REQUEST_TIMEOUT=1) as running:
        for _ in range(50):
            assert get(running, POSTS) == 200
        stop(running)
    assert "Traceback" not in running.output.read_text()
    assert running.output.read_text().count("opentelemetry") == 0


def test_a_collector_that_hangs_holds_the_end_up_for_a_few_seconds_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")
    with collector() as found:
        found.lets_go.clear()
        with service(tmp_path, TRACING__ENABLED="true", TRACING__ENDPOINT=found.url) as running:
            assert get(running, POSTS) == 200
            stop(running)
        output = running.output.read_text()
    assert "The last spans could not be sent within 3 s." in output
    assert "Traceback" not in output


@pytest.mark.long
def test_the_relay_as_a_process_of_its_own_tells_of_events_and_of_nothing_else(tmp_path: Path) -> None:
    with service(tmp_path, EVENTS__RELAY="false") as running:
        stop(running)  # having put in its samples
    environment = environment_in(tmp_path, TRACING__ENABLED="true")
    with collector() as found:
        relay = subprocess.Popen(
            [sys.executable, "-m", "app.entrypoints", "relay"],
            env={**environment, "APP_TRACING__ENDPOINT": found.url, "OTEL_BSP_SCHEDULE_DELAY": "50"},
        )
        try:
            limit = time.monotonic() + 20
            while not found.bodies and time.monotonic() < limit:
                time.sleep(0.05)
        finally:
            end(relay)
        assert {span.name for _, span in found.spans()} == {"publish post.published"}


ROUTES = "import sys; from app.entrypoints.cli import cli; cli(['routes'], standalone_mode=False)"
WITHOUT_EXTRA = f"import sys; sys.modules['opentelemetry'] = None; {ROUTES}".replace(", standalone_mode=False", "")


def routes(program: str, folder: Path, **settings: object) -> tuple[int, str]:
    """How a program ends that lists the routes, and what it says."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment_in(folder, **settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_without_the_extra_the_service_is_all_there(tmp_path: Path) -> None:
    code, output = routes(WITHOUT_EXTRA, tmp_path)
    assert (code, POSTS in output) == (0, True)


def test_switched_on_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    code, output = routes(WITHOUT_EXTRA, tmp_path, TRACING__ENABLED="true")
    assert code == 1
    assert "APP_TRACING__ENABLED" in output
    assert "pip install '.[otel]'" in output
    assert "Traceback" not in output


def test_switched_off_nothing_that_makes_or_sends_spans_is_loaded(tmp_path: Path) -> None:
    code, output = routes(
        f"{ROUTES}; print('loaded:', *{{'app.adapters.tracing.spans', 'opentelemetry.exporter'}} & {{*sys.modules}})",
        tmp_path,
    )
    assert (code, "loaded:" in output.splitlines()) == (0, True)
