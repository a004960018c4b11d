"""The migrations of PostgreSQL: each step once, whole or not at all, whoever else is at it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.adapters.postgres import migrations as module
from app.adapters.postgres.migrations import FOLDER, PostgresMigrations, PostgresSchemaCheck
from app.adapters.postgres.pool import make_postgres_pools
from app.adapters.postgres.settings import PostgresPoolSettings
from app.adapters.sql_migrations import step_ids
from app.ports.migrations import MigrationError
from tests.postgres_databases import connected, new_database, pool_settings
from tests.processes import ROOT
from tests.servers.kinds import Server

STEPS = step_ids(FOLDER)

Settings = Mapping[str, PostgresPoolSettings]


@pytest.fixture
def dsn(postgres_server: Server) -> Iterator[str]:
    with new_database(postgres_server.dsn) as made:
        yield made


@pytest.fixture
def settings(dsn: str) -> Settings:
    return {"primary": pool_settings(dsn)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations, to be changed."""
    return shutil.copytree(FOLDER, tmp_path / "migrations")


def tables(dsn: str) -> set[str]:
    with connected(dsn) as connection:
        rows = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        return {row[0] for row in rows}


def test_every_step_can_be_applied_taken_back_and_applied_again(dsn: str, settings: Settings) -> None:
    migrations = PostgresMigrations(settings)
    for step in STEPS:
        assert migrations.apply(to=step) == [step]
        assert migrations.rollback(1) == [step]
        assert migrations.apply(to=step) == [step]
    assert {"posts", "features"} <= tables(dsn)
    assert migrations.rollback(9) == STEPS[::-1]
    assert {"posts", "features"} & tables(dsn) == set()
    assert [step.applied for step in migrations.status()] == [False] * len(STEPS)


def test_where_nothing_is_to_be_applied_nothing_is_locked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    migrations = PostgresMigrations(settings)
    migrations.apply()
    monkeypatch.delattr(module.PostgresDialect, "lock")
    assert migrations.apply() == []


def test_of_eight_at_once_each_step_is_applied_by_one(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as threads:
        runs = [threads.submit(PostgresMigrations(settings).apply) for _ in range(8)]
    assert sorted(step for run in runs for step in run.result()) == STEPS


HOLDER = """
import sys
from app.adapters.config.secret import Dsn
from app.adapters.postgres.migrations import PostgresDialect
from app.adapters.postgres.settings import PostgresPoolSettings

with PostgresDialect(PostgresPoolSettings(dsn=Dsn(sys.argv[1]))).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_lock_keeps_others_out_and_ends_with_its_holder(
    dsn: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations = PostgresMigrations(settings)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, dsn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "src")},
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        monkeypatch.setattr(module, "LOCK_TIMEOUT", 0.3)
        with pytest.raises(MigrationError, match="Other migrations run"):
            migrations.apply()
        monkeypatch.undo()
        holder.kill()
    assert migrations.apply() == STEPS


def test_a_step_that_fails_leaves_nothing_of_itself(dsn: str, settings: Settings, folder: Path) -> None:
    (folder / "0099.broken.sql").write_text("CREATE TABLE half (id int);\n\nSELECT nonsense;\n")
    migrations = PostgresMigrations(settings, folder)
    with pytest.raises(MigrationError, match=r"0099\.broken could not be run"):
        migrations.apply()
    assert [step.applied for step in migrations.status()] == [True] * len(STEPS) + [False]
    assert "half" not in tables(dsn)


def test_a_step_that_was_changed_after_it_was_applied_is_refused(settings: Settings, folder: Path) -> None:
    migrations = PostgresMigrations(settings, folder)
    migrations.apply()
    changed = folder / "0001.create-posts.sql"
    changed.write_text(changed.read_text() + "-- changed\n")
    with pytest.raises(MigrationError, match=r"0001\.create-posts: applied already, and changed since"):
        migrations.apply()


def test_a_step_does_not_wait_for_ever_for_a_table_in_use(
    dsn: str, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrations = PostgresMigrations(settings, folder)
    migrations.apply()
    (folder / "0003.alter.sql").write_text("ALTER TABLE posts ADD COLUMN more text;\n")
    monkeypatch.setattr(module, "TABLE_LOCK_TIMEOUT", 0.2)
    with connected(dsn) as connection, connection.transaction():
        connection.execute("SELECT 1 FROM posts")
        with pytest.raises(MigrationError, match="lock timeout"):
            migrations.apply()
    assert migrations.apply() == ["0003.alter"]


@pytest.mark.parametrize("dsn", ["postgresql://app:canary@127.0.0.1:1/app", "postgresql://app:ca%zznary@h/a"])
def test_a_server_that_cannot_be_used_is_told_without_the_password(dsn: str) -> None:
    with pytest.raises(MigrationError, match=r"Check APP_POSTGRES__PRIMARY__DSN: postgresql://app:\*\*\*@") as failure:
        PostgresMigrations({"primary": pool_settings(dsn)}).status()
    assert "nary" not in str(failure.value)


async def test_a_service_that_finds_an_empty_database_is_told_which_migrations_to_run(postgres_server: Server) -> None:
    with new_database(postgres_server.dsn) as dsn:
        settings = {"primary": pool_settings(dsn)}
        pools = make_postgres_pools(settings)
        await pools.primary.open()
        try:
            check, migrations = PostgresSchemaCheck(pools), PostgresMigrations(settings)
            everything = [step.id for step in migrations.status()]
            assert await check.missing() == everything
            migrations.apply(to="0001")
            assert await check.missing() == everything[1:]
            migrations.apply()
            assert await check.missing() == []
            with connected(dsn) as connection:
                connection.execute("INSERT INTO migration_checksums VALUES ('9999.of-a-newer-version', '')")
            assert await check.missing() == []
        finally:
            await pools.primary.close()
