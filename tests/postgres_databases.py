"""Databases on a PostgreSQL server, made by a test and removed after it."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from app.adapters.config.secret import Dsn
from app.adapters.postgres.migrations import PostgresMigrations
from app.adapters.postgres.pool import PostgresPool
from app.adapters.postgres.settings import PostgresPoolSettings
from tests.servers.kinds import Server


def pool_settings(dsn: str, **others: Any) -> PostgresPoolSettings:
    """Settings of a pool there."""
    return PostgresPoolSettings(dsn=Dsn(dsn), **others)


@contextmanager
def new_database(server_dsn: str) -> Iterator[str]:
    """The address of an empty database."""
    name = f"test_{secrets.token_hex(8)}"
    _run(server_dsn, "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", name)
    try:
        yield urlsplit(server_dsn)._replace(path=f"/{name}").geturl()
    finally:
        _run(server_dsn, "DROP DATABASE {} WITH (FORCE)", name)


@contextmanager
def migrated_database(server_dsn: str) -> Iterator[str]:
    """The address of a database with the schema in place."""
    with new_database(server_dsn) as dsn:
        PostgresMigrations({"primary": pool_settings(dsn)}).apply()
        yield dsn


@pytest.fixture(scope="session")
def postgres_database(postgres_server: Server) -> Iterator[str]:
    """The address of a database for tests that empty it first, with the schema in place."""
    with migrated_database(postgres_server.dsn) as dsn:
        yield dsn


@asynccontextmanager
async def opened(dsn: str, name: str = "primary", **others: Any) -> AsyncIterator[PostgresPool]:
    """A pool of connections there."""
    pool = PostgresPool(name, pool_settings(dsn, **others))
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


def emptied(dsn: str) -> None:
    """Take all posts out of a database of the tests' own."""
    with connected(dsn) as connection:
        connection.execute("TRUNCATE posts, features, idempotency_keys, outbox RESTART IDENTITY CASCADE")
        connection.execute("UPDATE outbox_shards SET expires_at = DEFAULT")


def connected(dsn: str) -> "psycopg.Connection[Any]":
    """A connection to look and to interfere with, beside the service's own; each statement is committed."""
    return psycopg.connect(dsn, autocommit=True, connect_timeout=5)


def _run(dsn: str, statement: Any, name: str) -> None:
    with connected(dsn) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
