"""Databases of MySQL or MariaDB for tests, each made for one of them and dropped after it."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
import pytest

from app.adapters.config.secret import Dsn
from app.adapters.mysql.connection import MysqlConnection
from app.adapters.mysql.migrations import MysqlMigrations
from app.adapters.mysql.pool import MysqlPool
from app.adapters.mysql.settings import MysqlPoolSettings
from tests.servers.kinds import Server


@contextmanager
def connected(server: str) -> Iterator[Any]:
    """A connection as the user of this DSN; each statement is committed."""
    url = urlsplit(server)
    connection = pymysql.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=unquote(url.username or ""),
        password=unquote(url.password or "").encode(),
        database=url.path.removeprefix("/") or None,
        autocommit=True,
    )
    with closing(connection):
        yield connection


def execute(server: str, *statements: str) -> tuple[tuple[Any, ...], ...]:
    """Run statements as the user of this DSN; the rows of the last one."""
    rows: tuple[tuple[Any, ...], ...] = ()
    with connected(server) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            rows = cursor.fetchall()
    return rows


@contextmanager
def a_database(server: str) -> Iterator[str]:
    """The DSN of a new, empty database on this server."""
    name = f"test_{secrets.token_hex(6)}"
    execute(server, f"CREATE DATABASE {name}")
    try:
        yield f"{server.rstrip('/')}/{name}"
    finally:
        execute(server, f"DROP DATABASE {name}")


@contextmanager
def a_migrated_database(server: str) -> Iterator[str]:
    """The DSN of a new database that has the schema."""
    with a_database(server) as dsn:
        MysqlMigrations({"primary": pool_settings(dsn)}).apply()
        yield dsn


def pool_settings(dsn: str, **changes: Any) -> MysqlPoolSettings:
    """Settings of a pool for this database."""
    return MysqlPoolSettings(dsn=Dsn(dsn), **changes)


@asynccontextmanager
async def a_pool(dsn: str, name: str = "primary", **changes: Any) -> AsyncIterator[MysqlPool]:
    """An open pool for this database."""
    pool = MysqlPool(name, pool_settings(dsn, **changes))
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def a_connection(dsn: str, **changes: Any) -> AsyncIterator[MysqlConnection]:
    """A session that no pool looks after."""
    connection = MysqlConnection(pool_settings(dsn, **changes), None)
    await connection.open()
    try:
        yield connection
    finally:
        connection.leave()


@pytest.fixture(scope="session")
def mysql_database(mariadb_server: Server) -> Iterator[str]:
    """The DSN of one database with the schema, for all tests that leave the schema alone."""
    with a_migrated_database(mariadb_server.dsn) as dsn:
        yield dsn


@pytest.fixture
def mysql_dsn(mysql_database: str) -> str:
    """The same, empty."""
    execute(
        mysql_database,
        "DELETE FROM posts",
        "DELETE FROM idempotency_keys",
        "DELETE FROM outbox",
        "UPDATE outbox_shards SET expires_at = 0",
    )
    return mysql_database
