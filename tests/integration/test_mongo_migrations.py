"""MongoDB's migrations: each step exactly once, whoever runs them and whatever kills them."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymongo
import pytest

from app.adapters.config.secret import Dsn
from app.adapters.mongo import lease as mongo_lease
from app.adapters.mongo.lease import Lease
from app.adapters.mongo.migrations import FOLDER, LOCKS, MongoMigrations, MongoSchemaCheck, step_ids
from app.adapters.mongo.pool import make_mongo_pools
from app.adapters.mongo.settings import MongoPoolSettings
from app.ports.migrations import MigrationError
from tests.commands import command
from tests.mongo_databases import database, settings
from tests.processes import environment_in, free_port
from tests.servers.kinds import Server

IDS = step_ids(FOLDER)

# Counts how often it runs, and takes its time.
COUNTING = """
import time

dependencies = [{after}]

def upgrade(db):
    db.runs.insert_one({{"step": "{name}"}})
    time.sleep({seconds})

def downgrade(db):
    db.runs.delete_many({{"step": "{name}"}})
"""


@pytest.fixture
def dsn(mongo_server: Server) -> Iterator[str]:
    with database(mongo_server.dsn) as made:
        yield made


@pytest.fixture
def db(dsn: str) -> Iterator[Any]:
    with pymongo.MongoClient[dict[str, Any]](dsn, timeoutMS=5000) as client:
        yield client.get_default_database()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two steps that count their runs."""
    made = tmp_path / "steps"
    made.mkdir()
    write_step(made, "0001.one")
    write_step(made, "0002.two", after="'0001.one'")
    return made


def write_step(folder: Path, name: str, after: str = "", seconds: float = 0) -> None:
    (folder / f"{name}.py").write_text(COUNTING.format(name=name, after=after, seconds=seconds))


def migrations(dsn: str, folder: Path = FOLDER) -> MongoMigrations:
    return MongoMigrations({"primary": settings(dsn)}, folder)


def apply_in_a_process(dsn: str, folder: Path) -> None:
    MongoMigrations({"primary": MongoPoolSettings(dsn=Dsn(dsn))}, folder).apply()


def runs(db: Any) -> list[str]:
    return sorted(each["step"] for each in db.runs.find())


def test_all_steps_are_applied_in_order_and_once(dsn: str) -> None:
    assert [step.applied for step in migrations(dsn).status()] == [False] * len(IDS)
    assert migrations(dsn).apply() == IDS
    assert migrations(dsn).apply() == []
    assert [(step.id, step.applied) for step in migrations(dsn).status()] == [(name, True) for name in IDS]


def test_they_can_be_applied_up_to_a_step(dsn: str) -> None:
    assert migrations(dsn).apply("0001") == IDS[:1]
    assert migrations(dsn).apply("0001") == []
    with pytest.raises(MigrationError, match=f"no migration 0099; the last one is {IDS[-1]}"):
        migrations(dsn).apply("0099")


def test_they_are_taken_back_latest_first_and_applied_again(dsn: str, db: Any) -> None:
    migrations(dsn).apply()
    assert migrations(dsn).rollback(1) == IDS[-1:]
    assert migrations(dsn).rollback(99) == IDS[-2::-1]
    assert "posts" not in db.list_collection_names()
    assert db.counters.count_documents({}) == 0
    assert migrations(dsn).apply() == IDS


def test_a_changed_file_is_refused(dsn: str, folder: Path) -> None:
    migrations(dsn, folder).apply()
    with (folder / "0001.one.py").open("a") as file:
        file.write("# changed\n")
    with pytest.raises(MigrationError, match=r"0001\.one: applied already, and changed since"):
        migrations(dsn, folder).apply()


def test_a_folder_without_steps_is_no_reason_to_be_content(dsn: str, tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="There are no migrations"):
        migrations(dsn, tmp_path).apply()


def test_eight_at_once_run_each_step_once(dsn: str, db: Any, folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        applied = list(pool.map(lambda _: migrations(dsn, folder).apply(), range(8)))
    assert runs(db) == ["0001.one", "0002.two"]
    assert sorted(applied, key=len)[:7] == [[]] * 7


def test_what_a_killed_holder_left_is_finished_by_another_one(
    dsn: str, db: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_lease, "STANDSTILL", 2.0)
    write_step(folder, "0002.two", after="'0001.one'", seconds=30)
    process = multiprocessing.get_context("spawn").Process(target=apply_in_a_process, args=(dsn, folder))
    process.start()
    end = time.monotonic() + 20
    while "0002.two" not in runs(db) and time.monotonic() < end:
        time.sleep(0.05)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(5)
    write_step(folder, "0002.two", after="'0001.one'")
    assert migrations(dsn, folder).apply() == ["0002.two"]
    assert runs(db) == ["0001.one", "0002.two", "0002.two"]
    assert db[LOCKS].count_documents({}) == 0


def test_the_real_steps_take_what_a_killed_one_left(dsn: str, db: Any) -> None:
    migrations(dsn).apply()
    db.posts.insert_one({"_id": 1, "title": "Kept", "features": [{"id": 1}]})
    db.counters.update_one({"_id": "posts"}, {"$set": {"last": 7}})
    db.migrations.update_many({}, {"$set": {"applied": None}})
    assert migrations(dsn).apply() == IDS
    assert db.posts.find_one() == {"_id": 1, "title": "Kept", "features": [{"id": 1}]}
    assert db.counters.find_one({"_id": "posts"}) == {"_id": "posts", "last": 7}


def test_a_lock_is_held_by_one_at_a_time(db: Any) -> None:
    inside = 0

    def hold() -> int:
        nonlocal inside
        with Lease(db[LOCKS], "test").held():
            inside += 1
            seen = inside
            time.sleep(0.02)
            inside -= 1
        return seen

    with ThreadPoolExecutor(6) as pool:
        assert {done.result() for done in [pool.submit(hold) for _ in range(12)]} == {1}


def test_a_living_holder_keeps_the_lock_however_long_it_takes(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_lease, "BEAT", 0.1)
    monkeypatch.setattr(mongo_lease, "STANDSTILL", 1.0)
    monkeypatch.setattr(mongo_lease, "WAIT", 2.5)
    other = Lease(db[LOCKS], "test")
    with Lease(db[LOCKS], "test").held(), pytest.raises(MigrationError, match="Other migrations run"), other.held():
        pass


def test_who_was_frozen_and_lost_the_lock_goes_no_further(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_lease, "STANDSTILL", 0.3)
    frozen, other = Lease(db[LOCKS], "test"), Lease(db[LOCKS], "test")
    monkeypatch.setattr(frozen, "_beat_until", lambda done: None)
    with frozen.held():
        frozen.require()
        with other.held(), pytest.raises(MigrationError, match="taken over"):
            frozen.require()


def test_nothing_to_apply_needs_no_lock(dsn: str, db: Any) -> None:
    migrations(dsn).apply()
    with Lease(db[LOCKS], "migrations").held():
        assert migrations(dsn).apply() == []


def test_a_step_that_fails_is_not_applied(dsn: str, folder: Path) -> None:
    (folder / "0003.three.py").write_text(
        "dependencies = ['0002.two']\n\ndef upgrade(db):\n    db.command('nonsense')\n\ndef downgrade(db): ...\n"
    )
    with pytest.raises(MigrationError, match=r"0003\.three could not be run"):
        migrations(dsn, folder).apply()
    assert [step.applied for step in migrations(dsn, folder).status()] == [True, True, False]


@pytest.mark.parametrize("address", ["mongodb://me:hunter2@127.0.0.1:{port}/app", "mongodb://me:hunter2@host:port"])
def test_a_server_that_is_not_there_is_named_without_its_password(address: str) -> None:
    given = settings(address.format(port=free_port()), open_timeout=0.3, selection_timeout=0.3)
    with pytest.raises(MigrationError) as refused:
        MongoMigrations({"primary": given}).status()
    assert "APP_MONGO__PRIMARY__DSN" in str(refused.value)
    assert "hunter2" not in str(refused.value)


async def test_a_service_knows_what_its_database_lacks(dsn: str, db: Any, folder: Path) -> None:
    pools = make_mongo_pools({"primary": settings(dsn)})
    await pools.primary.open()
    try:
        check = MongoSchemaCheck(pools, folder)
        assert await check.missing() == ["0001.one", "0002.two"]
        migrations(dsn, folder).apply("0001")
        assert await check.missing() == ["0002.two"]
        write_step(folder, "0003.newer", after="'0002.two'")
        migrations(dsn, folder).apply()
        assert await check.missing() == []
    finally:
        await pools.primary.close()


def test_the_steps_are_frozen_text_that_does_not_know_the_service() -> None:
    for file in FOLDER.glob("*.py"):
        assert "app" not in [word.partition(".")[0] for word in file.read_text().split()]


def test_the_command_does_all_of_it(dsn: str, tmp_path: Path) -> None:
    environment = environment_in(tmp_path, STORAGE="mongo", MONGO__PRIMARY__DSN=dsn)

    def migrate(*options: str) -> str:
        done = command("migrate", *options, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert migrate("--to", "0001").split() == ["applied", IDS[0]]
    assert migrate("--status").split() == ["applied", IDS[0], *(word for name in IDS[1:] for word in ("missing", name))]
    assert migrate("--dry-run").split() == [word for name in IDS[1:] for word in ("would", "apply", name)]
    assert migrate("--rollback", "1").split() == ["took", "back", IDS[0]]
