"""Migrations of MySQL or MariaDB, where a change of the schema commits by itself."""

import ast
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.adapters.mysql import migrations
from app.adapters.mysql.migrations import FOLDER, MysqlDialect, MysqlMigrations, MysqlSchemaCheck
from app.adapters.mysql.pool import make_mysql_pools
from app.adapters.sql_migrations import step_ids
from app.ports.migrations import MigrationError
from tests.mysql_databases import a_database, execute, pool_settings
from tests.processes import ROOT, printed, service
from tests.servers.kinds import Server


@pytest.fixture
def dsn(mariadb_server: Server) -> Iterator[str]:
    with a_database(mariadb_server.dsn) as fresh:
        yield fresh


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two steps of a schema."""
    (tmp_path / "0001.one.sql").write_text("CREATE TABLE one (id INT PRIMARY KEY, name VARCHAR(9) DEFAULT '50%');\n")
    (tmp_path / "0001.one.rollback.sql").write_text("DROP TABLE one;\n")
    (tmp_path / "0002.two.sql").write_text("-- depends: 0001.one\nALTER TABLE one ADD COLUMN two INT;\n")
    (tmp_path / "0002.two.rollback.sql").write_text("ALTER TABLE one DROP COLUMN two;\n")
    return tmp_path


def made(dsn: str, folder: Path = FOLDER) -> MysqlMigrations:
    return MysqlMigrations({"primary": pool_settings(dsn)}, folder)


def columns(dsn: str) -> list[str]:
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND table_name = 'one'"
    return sorted(name for (name,) in execute(dsn, query))


def test_steps_are_applied_once_and_taken_back_in_reverse(dsn: str, folder: Path) -> None:
    assert made(dsn, folder).apply(to="0001") == ["0001.one"]
    assert made(dsn, folder).apply() == ["0002.two"]
    assert made(dsn, folder).apply() == []
    assert columns(dsn) == ["id", "name", "two"]
    assert made(dsn, folder).rollback(1) == ["0002.two"]
    assert columns(dsn) == ["id", "name"]
    assert [step.applied for step in made(dsn, folder).status()] == [True, False]


def test_the_schema_of_the_service_goes_in_and_out(dsn: str) -> None:
    known = step_ids(FOLDER)
    assert made(dsn).apply() == known
    assert made(dsn).rollback(len(known)) == known[::-1]
    assert {name for (name,) in execute(dsn, "SHOW TABLES")}.isdisjoint({"posts", "features"})
    assert made(dsn).apply() == known


def test_an_applied_step_that_was_changed_is_refused(dsn: str, folder: Path) -> None:
    made(dsn, folder).apply()
    (folder / "0001.one.sql").write_text("CREATE TABLE other (id INT PRIMARY KEY);\n")
    with pytest.raises(MigrationError, match=r"0001\.one: applied already, and changed since"):
        made(dsn, folder).apply()


def test_a_step_of_several_statements_is_refused_before_any_is_run(dsn: str, folder: Path) -> None:
    (folder / "0001.one.sql").write_text("CREATE TABLE a (id INT);\nCREATE TABLE b (id INT);\n")
    with pytest.raises(MigrationError, match="Make a step of each"):
        made(dsn, folder).apply()
    assert {"a", "b"}.isdisjoint(name for (name,) in execute(dsn, "SHOW TABLES"))


def test_a_step_that_fails_is_named_and_can_be_mended(dsn: str, folder: Path) -> None:
    good = (folder / "0002.two.sql").read_text()
    (folder / "0002.two.sql").write_text("ALTER TABLE nowhere ADD COLUMN two INT;\n")
    with pytest.raises(MigrationError, match=r"0002\.two could not be run"):
        made(dsn, folder).apply()
    (folder / "0002.two.sql").write_text(good)
    assert made(dsn, folder).apply() == ["0002.two"]


def test_what_somebody_else_made_is_not_taken_for_a_step_that_is_done(dsn: str, folder: Path) -> None:
    execute(dsn, "CREATE TABLE one (other INT)")
    with pytest.raises(MigrationError, match="already exists"):
        made(dsn, folder).apply()


def test_nothing_to_apply_needs_no_lock(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made(dsn).apply()
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", 0)
    with other_migrations(dsn):
        assert made(dsn).apply() == []


def test_other_migrations_are_not_waited_for_for_ever(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", 0)
    with other_migrations(dsn), pytest.raises(MigrationError, match="Try again later"):
        made(dsn).apply()


def test_databases_of_one_server_are_migrated_independently(
    mariadb_server: Server, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", 0)
    with a_database(mariadb_server.dsn) as other, other_migrations(other):
        assert made(dsn).apply()


@contextmanager
def other_migrations(dsn: str) -> Iterator[None]:
    """The lock is held by somebody else."""
    with MysqlDialect({"primary": pool_settings(dsn)}).lock():
        yield


PATHS = {"PYTHONPATH": f"{ROOT}/src:{ROOT}"}
APPLY = """
import sys
from pathlib import Path
from tests.integration.test_mysql_migrations import made
made(sys.argv[1], Path(sys.argv[2])).apply()
"""


EIGHT = """
import multiprocessing, sys
from tests.integration.test_mysql_migrations import made
def apply(_): return made(sys.argv[1]).apply()
with multiprocessing.get_context("fork").Pool(8) as processes:
    print(processes.map(apply, range(8), chunksize=1))
"""


def test_eight_at_once_apply_each_step_once(dsn: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", EIGHT, dsn], cwd=ROOT, env=PATHS, capture_output=True, text=True, timeout=90, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert sorted(step for applied in ast.literal_eval(ran.stdout) for step in applied) == step_ids(FOLDER)


def test_who_comes_after_a_killed_holder_waits_for_its_statement_and_takes_it_as_done(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001.slow.sql").write_text("CREATE TABLE slow AS SELECT sleep(4) AS nothing;\n")
    monkeypatch.setattr(migrations, "TABLE_LOCK_TIMEOUT", 1)
    holder = subprocess.Popen([sys.executable, "-c", APPLY, dsn, str(tmp_path)], cwd=ROOT, env=PATHS)
    try:
        wait_for_statement(dsn, "CREATE TABLE slow")
    finally:
        holder.kill()
        holder.wait()
    assert made(dsn, tmp_path).apply() == ["0001.slow"]
    assert execute(dsn, "SELECT count(*) FROM slow") == ((1,),)
    assert made(dsn, tmp_path).apply() == []


def wait_for_statement(dsn: str, start: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        running = execute(dsn, "SELECT info FROM information_schema.processlist")
        if any((info or "").startswith(start) for (info,) in running):
            return
        time.sleep(0.02)
    raise AssertionError(f"{start} was never seen.")


async def test_a_service_knows_what_its_database_lacks(dsn: str) -> None:
    pools = make_mysql_pools({"primary": pool_settings(dsn)})
    schema = MysqlSchemaCheck(pools)
    await pools.primary.open()
    try:
        assert await schema.missing() == step_ids(FOLDER)
        await asyncio.to_thread(made(dsn).apply, "0001")
        assert await schema.missing() == step_ids(FOLDER)[1:]
        await asyncio.to_thread(made(dsn).apply)
        execute(dsn, "INSERT INTO migration_checksums VALUES ('9999.newer', 'x')")
        assert await schema.missing() == []
    finally:
        await pools.primary.close()


def test_the_service_runs_on_it_and_tells_where_its_data_is(dsn: str, tmp_path: Path) -> None:
    with_password = dsn.replace("root@", "root:@")
    with service(tmp_path, "run", "--prepare", STORAGE="mysql", MYSQL__PRIMARY__DSN=with_password) as running:
        assert "mysql://root:***@127.0.0.1" in printed(running, "Data ")
    assert execute(dsn, "SELECT count(*) > 0 FROM posts") == ((1,),)
