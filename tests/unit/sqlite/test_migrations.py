"""Migrations on real files: each step once, all of it or nothing, whoever dies or meddles."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from app.adapters.sqlite import migrations as module
from app.adapters.sqlite.migrations import SqliteMigrations, SqliteSchemaCheck
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.settings import SqliteSettings
from app.ports.migrations import Migration, MigrationError
from tests.processes import ROOT


@attrs.frozen
class Place:
    """A folder of steps, and a data file."""

    steps: Path
    file: Path

    def write(self, id_: str, apply: str, rollback: str = "SELECT 1") -> None:
        (self.steps / f"{id_}.sql").write_text(apply)
        (self.steps / f"{id_}.rollback.sql").write_text(rollback)

    @property
    def settings(self) -> SqliteSettings:
        return SqliteSettings(path=self.file)

    @property
    def migrations(self) -> SqliteMigrations:
        return SqliteMigrations(self.settings, self.steps)

    def tables(self) -> set[str]:
        with closing(sqlite3.connect(self.file)) as database:
            rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {row[0] for row in rows} & {"a", "b", "c"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "steps", tmp_path / "data" / "app.db")
    made.steps.mkdir()
    for number, name in enumerate("ab", 1):
        made.write(f"000{number}.{name}", f"CREATE TABLE {name} (x)", f"DROP TABLE {name}")
    return made


def test_what_is_missing_is_applied_in_order_and_once(place: Place) -> None:
    assert place.migrations.status() == [Migration("0001.a", applied=False), Migration("0002.b", applied=False)]
    assert place.migrations.apply() == ["0001.a", "0002.b"]
    assert (place.migrations.apply(), place.tables()) == ([], {"a", "b"})
    place.write("0003.c", "CREATE TABLE c (x)")
    assert place.migrations.apply() == ["0003.c"]


@pytest.mark.parametrize("to", ["0001", "0001.a"])
def test_a_step_may_be_the_last_one(place: Place, to: str) -> None:
    assert place.migrations.apply(to) == ["0001.a"]
    assert [step.applied for step in place.migrations.status()] == [True, False]


@pytest.mark.parametrize("to", ["3", "0003", "0001.", "", "a"])
def test_a_step_that_is_not_there_is_refused(place: Place, to: str) -> None:
    with pytest.raises(MigrationError, match=r"the last one is 0002\.b"):
        place.migrations.apply(to)
    assert not place.file.exists()


def test_steps_are_taken_back_latest_first(place: Place) -> None:
    place.migrations.apply()
    assert (place.migrations.rollback(1), place.tables()) == (["0002.b"], {"a"})
    assert (place.migrations.apply(), place.tables()) == (["0002.b"], {"a", "b"})
    assert (place.migrations.rollback(9), place.tables()) == (["0002.b", "0001.a"], set())
    assert place.migrations.rollback(1) == []


def test_a_step_that_was_changed_after_it_was_applied_is_refused(place: Place) -> None:
    place.migrations.apply("0001")
    place.write("0001.a", "CREATE TABLE a (x, y)")
    with pytest.raises(MigrationError, match=r"0001\.a: applied already, and changed since"):
        place.migrations.apply()
    assert place.tables() == {"a"}


def test_a_step_that_fails_leaves_nothing_and_the_ones_before_it_stay(place: Place) -> None:
    place.write("0003.c", "CREATE TABLE c (x); INSERT INTO nowhere VALUES (1)")
    with pytest.raises(MigrationError, match=r"0003\.c could not be run: no such table: nowhere"):
        place.migrations.apply()
    assert place.tables() == {"a", "b"}
    assert [step.applied for step in place.migrations.status()] == [True, True, False]
    place.write("0003.c", "CREATE TABLE c (x)")
    assert place.migrations.apply() == ["0003.c"]


def test_a_folder_without_steps_is_not_the_right_one(place: Place, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MigrationError, match="run this from the service's folder"):
        SqliteMigrations(place.settings, tmp_path / "empty").apply()


def test_a_file_that_is_no_database_is_told_by_its_setting(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MigrationError, match="Check APP_SQLITE__PATH"):
        Place(place.steps, tmp_path / "file" / "app.db").migrations.apply()


def test_a_lock_row_that_a_crash_left_behind_stops_nobody(place: Place) -> None:
    place.migrations.apply("0001")
    with closing(sqlite3.connect(place.file)) as database:
        database.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, '2026-01-01', 4711)")
        database.commit()
    assert place.migrations.apply() == ["0002.b"]


HOLDER = """
import sys, time
from pathlib import Path
from app.adapters.sqlite.migrations import SqliteDialect
with SqliteDialect(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def test_who_holds_the_lock_and_lives_is_waited_for_and_who_dies_is_not(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_TIMEOUT", 0.1)
    place.migrations.apply("0001")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, place.file], stdout=subprocess.PIPE, text=True, env=environment
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(MigrationError, match="Other migrations run for over"):
                place.migrations.apply()
            assert place.tables() == {"a"}
        finally:
            holder.send_signal(signal.SIGKILL)
    assert place.migrations.apply() == ["0002.b"]


def run(place: Place, barrier: str, told: "multiprocessing.Queue[list[str]]") -> None:
    while time.time() < float(barrier):
        pass
    told.put(place.migrations.apply())


def test_eight_at_once_apply_each_step_once(place: Place) -> None:
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[list[str]] = context.Queue()
    barrier = str(time.time() + 2)
    runners = [context.Process(target=run, args=(place, barrier, told)) for _ in range(8)]
    for runner in runners:
        runner.start()
    applied = [told.get(timeout=60) for _ in runners]
    for runner in runners:
        runner.join(20)
    assert [runner.exitcode for runner in runners] == [0] * 8
    assert sorted(step for steps in applied for step in steps) == ["0001.a", "0002.b"]


async def test_a_service_knows_which_steps_its_file_lacks(place: Place) -> None:
    pool = SqlitePool(place.settings)
    await pool.open()
    try:
        check = SqliteSchemaCheck(pool, place.steps)
        assert await check.missing() == ["0001.a", "0002.b"]
        place.migrations.apply("0001")
        assert await check.missing() == ["0002.b"]
        place.migrations.apply()
        assert await check.missing() == []
    finally:
        await pool.close()


async def test_steps_that_only_a_newer_service_knows_are_not_missed(place: Place, tmp_path: Path) -> None:
    place.migrations.apply()
    older = tmp_path / "older"
    older.mkdir()
    (older / "0001.a.sql").write_bytes((place.steps / "0001.a.sql").read_bytes())
    pool = SqlitePool(place.settings)
    await pool.open()
    try:
        assert await SqliteSchemaCheck(pool, older).missing() == []
    finally:
        await pool.close()
