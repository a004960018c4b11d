"""The storages that whole services are tested on: how each is set up on a server, and interfered with."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import pytest

from app.adapters.config.settings import Settings
from app.adapters.sqlite.migrations import SqliteMigrations
from app.adapters.sqlite.settings import SqliteSettings
from tests import mongo_databases, mysql_databases
from tests.e2e.service import settings_in
from tests.postgres_databases import connected, migrated_database, new_database, pool_settings
from tests.servers.kinds import Kind
from tests.servers.mariadb import MARIADB
from tests.servers.mongo import MONGO
from tests.servers.postgres import POSTGRES

DEADLINE = 2.0
"""Seconds that a request may take in these tests."""
POOL = 4


@attrs.frozen
class Subject:
    """One storage. `kind` is None where there is no server to fail.

    `database` makes one with the schema and gives its address, `empty_database` one without; `settings` are those of a
    service on it, `environment` the same as variables; `run` sends it one statement beside the service, and `occupied`
    keeps the service from writing for as long as it is open.
    """

    name: str
    kind: Kind | None
    database: Callable[[str], AbstractContextManager[str]]
    empty_database: Callable[[str], AbstractContextManager[str]]
    settings: Callable[[Path, str], Settings]
    environment: Callable[[str], dict[str, str]]
    occupied: Callable[[str], AbstractContextManager[None]]
    run: Callable[[str, str], None] | None = None


@contextmanager
def database_for(subject: Subject, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The address of a fresh database with the schema in place, on the server that the whole run shares."""
    folder.mkdir(exist_ok=True, parents=True)
    fixture = subject.kind and f"{subject.kind.name}_server"
    with subject.database(request.getfixturevalue(fixture).dsn if fixture else str(folder)) as dsn:
        yield dsn


def through(dsn: str, port: int) -> str:
    """The same address behind a proxy on `port`."""
    url = urlsplit(dsn)
    user = f"{url.username}{f':{url.password}' if url.password else ''}@" if url.username else ""
    return url._replace(netloc=f"{user}127.0.0.1:{port}").geturl()


def port_of(dsn: str) -> int:
    """The port of an address."""
    port = urlsplit(dsn).port
    assert port is not None, dsn
    return port


def _base(folder: Path, storage: str) -> Settings:
    made = settings_in(folder, request_timeout=DEADLINE)
    return attrs.evolve(made, storage=storage)


# SQLite: a file; what can happen to it is that another process holds it.


@contextmanager
def _sqlite_occupied(path: str) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _sqlite_run(path: str, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as connection:
        connection.execute(sql)


@contextmanager
def _sqlite_file(folder: str) -> Iterator[str]:
    yield str(Path(folder) / "app.db")


@contextmanager
def _sqlite_database(folder: str) -> Iterator[str]:
    with _sqlite_file(folder) as path:
        SqliteMigrations(SqliteSettings(path=Path(path))).apply()
        yield path


SQLITE = Subject(
    name="sqlite",
    kind=None,
    database=_sqlite_database,
    empty_database=_sqlite_file,
    environment=lambda path: {"SQLITE__PATH": path},
    settings=lambda folder, _: _base(folder, "sqlite"),
    occupied=_sqlite_occupied,
    run=_sqlite_run,
)


@contextmanager
def _postgres_occupied(dsn: str) -> Iterator[None]:
    with connected(dsn) as connection, connection.transaction():
        connection.execute("LOCK TABLE posts IN ACCESS EXCLUSIVE MODE")
        yield


def _postgres_run(dsn: str, statement: str) -> None:
    with connected(dsn) as connection:
        connection.execute(statement.encode())


SUBJECT_POSTGRES = Subject(
    name="postgres",
    kind=POSTGRES,
    database=migrated_database,
    empty_database=new_database,
    environment=lambda dsn: {"STORAGE": "postgres", "POSTGRES__PRIMARY__DSN": dsn},
    settings=lambda folder, dsn: attrs.evolve(
        _base(folder, "postgres"),
        postgres={"primary": pool_settings(dsn, max_size=POOL, acquire_timeout=30)},
    ),
    occupied=_postgres_occupied,
    run=_postgres_run,
)


@contextmanager
def _mysql_occupied(dsn: str) -> Iterator[None]:
    with mysql_databases.connected(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLES posts WRITE")
        yield
        cursor.execute("UNLOCK TABLES")


def _mysql_run(dsn: str, statement: str) -> None:
    mysql_databases.execute(dsn, statement)


SUBJECT_MYSQL = Subject(
    name="mysql",
    kind=MARIADB,
    database=mysql_databases.a_migrated_database,
    empty_database=mysql_databases.a_database,
    environment=lambda dsn: {"STORAGE": "mysql", "MYSQL__PRIMARY__DSN": dsn},
    settings=lambda folder, dsn: attrs.evolve(
        _base(folder, "mysql"),
        mysql={"primary": mysql_databases.pool_settings(dsn, max_size=POOL, acquire_timeout=30)},
    ),
    occupied=_mysql_occupied,
    run=_mysql_run,
)


@contextmanager
def _mongo_occupied(dsn: str) -> Iterator[None]:
    """Writes are held up at the server, as when a lock of its own is taken."""
    with mongo_databases.fail_point(dsn, "insert", "update", "findAndModify", times=10_000, **BLOCKED):
        yield


BLOCKED = {"blockConnection": True, "blockTimeMS": 5000}

SUBJECT_MONGO = Subject(
    name="mongo",
    kind=MONGO,
    database=mongo_databases.migrated_database,
    empty_database=mongo_databases.database,
    environment=lambda dsn: {"STORAGE": "mongo", "MONGO__PRIMARY__DSN": dsn},
    settings=lambda folder, dsn: attrs.evolve(
        _base(folder, "mongo"),
        mongo={"primary": mongo_databases.settings(dsn, max_size=POOL, acquire_timeout=30, timeout=30)},
    ),
    occupied=_mongo_occupied,
)

SUBJECTS: dict[str, Subject] = {each.name: each for each in (SQLITE, SUBJECT_POSTGRES, SUBJECT_MYSQL, SUBJECT_MONGO)}
