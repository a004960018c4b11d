"""The service as a process: starts, stops, dies, and loses nothing that it acknowledged."""

import json
import os
import signal
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from app.adapters.sql_migrations import step_ids
from tests.commands import command, token_of
from tests.processes import ROOT, Service, environment_in, printed, service

STEPS = step_ids(ROOT / "migrations/sqlite")


def send(running: Service, path: str, body: object = None, token: str = "") -> tuple[int, dict[str, object]]:
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(running.url + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_first_run_has_samples_and_the_second_adds_none(tmp_path: Path) -> None:
    for _ in range(2):
        with service(tmp_path) as running:
            _, page = send(running, "/api/v1/posts")
            assert page["pagination"]["total"] == 3  # type: ignore[index]


def test_what_run_prints_can_be_pasted(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        output = printed(running, "Publish a post")
        assert f"{running.url}/docs" in output
        assert str(tmp_path / "app.db") in output
        token = output.partition("Bearer ")[2].partition("'")[0]
        status, _ = send(running, "/api/v1/posts", {"title": "Pasted", "content": ""}, token)
        assert status == 201


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with service(tmp_path) as running:
        send(running, "/nowhere")
        running.process.send_signal(number)
        assert running.process.wait(10) == 0
        output = running.output.read_text()
    assert '"path":"/nowhere"' in output
    assert "Traceback" not in output


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path, end: str) -> None:
    acknowledged: list[int] = []
    for round_ in range(3):
        with service(tmp_path) as running:
            token, stopping = token_of(running), threading.Event()
            writers = [
                threading.Thread(target=write_until_it_fails, args=(running, token, f"{round_}.{n}", acknowledged))
                for n in range(4)
            ]
            for writer in writers:
                writer.start()
            stopping.wait(0.5)
            getattr(running.process, end)()
            for writer in writers:
                writer.join(20)
    with sqlite3.connect(tmp_path / "app.db") as database:
        kept = {row[0] for row in database.execute("SELECT post_id FROM features")}
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert len(acknowledged) > 20
    assert set(acknowledged) - kept == set()


def write_until_it_fails(running: Service, token: str, name: str, acknowledged: list[int]) -> None:
    for number in range(10_000):
        body = {"title": f"{name}.{number}", "content": "", "features": [{"feature_name": "kept"}]}
        try:
            status, answer = send(running, "/api/v1/posts", body, token)
        except (OSError, ValueError):
            return
        if status == 201:
            acknowledged.append(answer["result"]["id"])  # type: ignore[index]


def test_outside_development_a_missing_secret_stops_the_start(tmp_path: Path) -> None:
    result = command("run", environment=environment_in(tmp_path, ENV="prod"))
    assert result.returncode == 1
    assert "APP_AUTH__SECRET" in result.stderr
    assert "Traceback" not in result.stderr


def test_all_faults_of_the_settings_are_told_at_once(tmp_path: Path) -> None:
    environment = environment_in(tmp_path, HTTP__PORT="high", HTTP__HOTS="x", LOG__LEVEL="LOUD")
    result = command("config", environment=environment)
    assert result.returncode == 1
    assert [name for name in ("APP_HTTP__PORT", "APP_HTTP__HOTS", "APP_LOG__LEVEL") if name not in result.stderr] == []


def test_config_shows_values_and_where_they_come_from_but_no_secret(tmp_path: Path) -> None:
    secret = "canary-" + "x" * 32
    (tmp_path / "given.env").write_text("APP_LOG__LEVEL=ERROR\n")
    output = command("config", environment=environment_in(tmp_path, AUTH__SECRET=secret, HTTP__PORT=9000)).stdout
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines()}
    assert rows["APP_HTTP__PORT"] == ["9000", "environment"]
    assert rows["APP_LOG__LEVEL"][0] == "ERROR"
    assert "line 1" in output
    assert rows["APP_AUTH__SECRET"] == ["***", "environment"]
    assert "canary" not in output


def test_migrate_applies_tells_and_takes_back(tmp_path: Path) -> None:
    environment = environment_in(tmp_path)

    def migrate(*options: str) -> list[str]:
        return command("migrate", *options, environment=environment).stdout.splitlines()

    first, *others = STEPS
    assert migrate("--dry-run") == [f"would apply  {step}" for step in STEPS]
    assert migrate("--dry-run", "--to", "1") == [f"would apply  {first}"]
    assert migrate("--to", "1") == [f"applied  {first}"]
    assert migrate("--status") == [f"applied  {first}", *(f"missing  {step}" for step in others)]
    assert migrate() == [f"applied  {step}" for step in others]
    assert migrate() == ["Nothing to apply."]
    assert migrate("--rollback", "1", "--dry-run") == [f"would take back  {STEPS[-1]}"]
    assert migrate("--to", "1") == []  # what lies beyond is not taken back unasked
    assert migrate("--rollback", str(len(STEPS) + 1)) == []
    assert migrate("--rollback", str(len(STEPS))) == [f"took back  {step}" for step in reversed(STEPS)]


def test_routes_and_the_document_are_printed(tmp_path: Path) -> None:
    environment = environment_in(tmp_path)
    routes = command("routes", environment=environment).stdout
    assert "POST    /api/v1/posts                  posts:write" in routes
    assert json.loads(command("openapi", environment=environment).stdout)["openapi"] == "3.1.0"


def test_the_example_file_is_up_to_date(tmp_path: Path) -> None:
    printed = command("config", "--example", environment=environment_in(tmp_path)).stdout
    assert printed == (ROOT / ".env.example").read_text()


def race(count: int, run: Callable[[], object]) -> None:
    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_eight_migrations_at_once_apply_each_step_once(tmp_path: Path) -> None:
    outputs: list[str] = []
    environment = environment_in(tmp_path)
    race(8, lambda: outputs.append(command("migrate", environment=environment, timeout=120).stdout))
    applied = sorted(line for output in outputs for line in output.splitlines() if line.startswith("applied"))
    assert applied == [f"applied  {step}" for step in STEPS]


def test_the_parent_environment_is_left_alone() -> None:
    assert [name for name in os.environ if name.startswith("APP_")] == []
