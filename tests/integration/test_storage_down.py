"""A storage that goes away or lets nobody in: one line says which, where, and what the server says; another its end."""

import asyncio
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.adapters.mongo.pool import MongoPool
from app.adapters.mysql.pool import MysqlPool
from app.adapters.postgres.pool import PostgresPool
from app.adapters.sqlite.migrations import SqliteMigrations
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.settings import SqliteSettings
from app.domain.services.pool_watch import REFUSES, SILENT, PoolWatch
from app.ports.health import Pool
from tests.mongo_databases import database, fail_point
from tests.mongo_databases import settings as mongo_settings
from tests.mysql_databases import execute
from tests.mysql_databases import pool_settings as mysql_settings
from tests.postgres_databases import connected, pool_settings
from tests.processes import free_port
from tests.servers.kinds import Server

PASSWORD = "hunter2"
Lines = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """What the watch has logged so far."""
    caplog.set_level(logging.INFO, "app.domain.services.pool_watch")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records if "Pool " in record.msg]


def the_one(lines: Lines, level: str) -> str:
    (line,) = [text for each, text in lines() if each == level]
    assert PASSWORD not in line
    return line


def at(dsn: str, user: str, port: int | None = None) -> str:
    url = urlsplit(dsn)
    return url._replace(netloc=f"{user}:{PASSWORD}@{url.hostname}:{port or url.port}").geturl()


async def test_postgres_that_refuses_the_login_says_so(postgres_database: str, lines: Lines) -> None:
    role = f"role_{secrets.token_hex(4)}"
    with connected(postgres_database) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
        pool = PostgresPool("primary", pool_settings(at(postgres_database, role)))
        await pool.open()
        try:
            watch = PoolWatch([pool], timeout=5)
            assert await watch.look() is None
            admin.execute(f"ALTER ROLE {role} NOLOGIN")
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (role,))
            async with asyncio.timeout(5):
                while await watch.look() != REFUSES:  # noqa: ASYNC110 - the server tells nobody
                    await asyncio.sleep(0.01)
            assert await watch.look() == REFUSES
            errors = [text for level, text in lines() if level == "ERROR"]
            assert f"APP_POSTGRES__PRIMARY__DSN: postgresql://{role}:***@" in errors[-1]
            assert f'role "{role}" is not permitted to log in' in errors[-1]
            assert pool.failures()["STORAGE_REFUSED"] >= 2
            admin.execute(f"ALTER ROLE {role} LOGIN")
            assert await watch.look() is None
            assert the_one(lines, "INFO").startswith("Pool primary can be used again, after ")
        finally:
            await pool.close()
            admin.execute(f"DROP ROLE {role}")


async def test_mysql_that_refuses_the_login_says_so(mysql_dsn: str, lines: Lines) -> None:
    user = f"user_{secrets.token_hex(4)}"
    name = urlsplit(mysql_dsn).path[1:]
    execute(mysql_dsn, f"CREATE USER {user} IDENTIFIED BY '{PASSWORD}'", f"GRANT ALL ON {name}.* TO {user}")
    pool = MysqlPool("primary", mysql_settings(at(mysql_dsn, user)))
    await pool.open()
    try:
        watch = PoolWatch([pool], timeout=5)
        assert await watch.look() is None
        execute(mysql_dsn, f"ALTER USER {user} IDENTIFIED BY 'another'", f"KILL USER {user}")
        async with asyncio.timeout(5):
            while await watch.look() != REFUSES:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        error = [text for level, text in lines() if level == "ERROR"][-1]
        assert f"APP_MYSQL__PRIMARY__DSN: mysql://{user}:***@" in error
        assert "does not take this user with this password; correct them (Access denied for user" in error
        assert pool.failures()["STORAGE_REFUSED"] >= 1
    finally:
        await pool.close()
        execute(mysql_dsn, f"DROP USER {user}")


async def test_mongo_that_refuses_the_login_says_so(mongo_server: Server, lines: Lines) -> None:
    with database(mongo_server.dsn) as dsn:
        pool = MongoPool("primary", mongo_settings(dsn))
        await pool.open()
        watch = PoolWatch([pool], timeout=5)
        try:
            with fail_point(dsn, "ping", times=2, errorCode=18):
                assert [await watch.look(), await watch.look(), await watch.look()] == [REFUSES, REFUSES, None]
        finally:
            await pool.close()
    error = the_one(lines, "ERROR")
    assert "Check APP_MONGO__PRIMARY__DSN, mongodb://" in error
    assert "this user or password is refused" in error


async def test_sqlite_whose_file_cannot_be_read_says_so(tmp_path: Path, lines: Lines) -> None:
    settings = SqliteSettings(path=tmp_path / "app.db")
    SqliteMigrations(settings).apply()
    pool = SqlitePool(settings)
    await pool.open()
    watch = PoolWatch([pool], timeout=5)
    assert await watch.look() is None
    os.truncate(settings.path, 0)
    assert [await watch.look(), await watch.look()] == [SILENT, SILENT]
    await pool.close()
    assert f"APP_SQLITE__PATH: {settings.path} cannot be used (database disk image is malformed)" in the_one(
        lines, "ERROR"
    )


def nowhere(scheme: str) -> str:
    return f"{scheme}://user:{PASSWORD}@127.0.0.1:{free_port()}/app"


async def assert_named(pool: Pool, variable: str, lines: Lines) -> None:
    """A server that is not there is named, and a replica keeps nobody from serving."""
    await pool.open()
    try:
        watch = PoolWatch([pool], timeout=5)
        assert await watch.look() is None, "a replica's work can be done by the primary"
        assert watch.are_up() == {"replica": False}
    finally:
        await pool.close()
    line = the_one(lines, "ERROR")
    assert variable in line
    assert "127.0.0.1:" in line
    assert pool.failures()["UNAVAILABLE"] >= 1


async def test_postgres_that_is_not_there_is_named(lines: Lines) -> None:
    pool = PostgresPool("replica", pool_settings(nowhere("postgresql")))
    await assert_named(pool, "APP_POSTGRES__REPLICA__DSN", lines)


async def test_mysql_that_is_not_there_is_named(lines: Lines) -> None:
    pool = MysqlPool("replica", mysql_settings(nowhere("mysql")))
    await assert_named(pool, "APP_MYSQL__REPLICA__DSN", lines)


async def test_mongo_that_is_not_there_is_named(lines: Lines) -> None:
    pool = MongoPool("replica", mongo_settings(nowhere("mongodb"), selection_timeout=0.2))
    await assert_named(pool, "APP_MONGO__REPLICA__DSN", lines)
