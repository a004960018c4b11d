"""The migrations of MySQL or MariaDB, and whether the database has them.

A statement that changes the schema commits by itself there, so that a step and its mark are no one transaction. Hence
one statement for each step, and a note before it: what a killed run did, the next one recognises as done.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
from yoyo.backends.core.mysql import MySQLBackend
from yoyo.connections import DatabaseURI

from app.adapters.config.setting import variable
from app.adapters.mysql.connection import SQL_MODE
from app.adapters.mysql.connections import FAILURES
from app.adapters.mysql.errors import not_opened, number_of
from app.adapters.mysql.pool import MysqlPool
from app.adapters.mysql.settings import MysqlPoolSettings, address_of, tls_context
from app.adapters.named_pools import PRIMARY, NamedPools
from app.adapters.sql_migrations import CHECKSUMS, SqlMigrations, step_ids
from app.ports.migrations import MigrationError

FOLDER = Path("migrations/mysql")
LOCK_TIMEOUT = 60
STEP_TIMEOUT = 3600
TABLE_LOCK_TIMEOUT = 10
"""Seconds to wait for a table: while a change of it waits, so does everybody who wants to read it."""
BEGUN = "migration_begun"
DONE_ALREADY = {
    1050,  # the table exists
    1051,  # no such table
    1060,  # the column exists
    1061,  # the key exists
    1091,  # no such column or key
    1826,  # the foreign key exists
}


class Backend(MySQLBackend):  # type: ignore[misc]  # yoyo comes without types
    """yoyo's, connected by our settings."""

    def __init__(self, settings: MysqlPoolSettings) -> None:
        self._settings = settings
        database = address_of(settings.dsn).database
        super().__init__(DatabaseURI("mysql", None, None, None, None, database, {}), "_yoyo_migrations")

    def connect(self, dburi: object) -> Any:
        settings, address = self._settings, address_of(self._settings.dsn)
        tls = tls_context(settings)
        return pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password.reveal(),
            database=address.database,
            charset="utf8mb4",
            ssl=tls,
            ssl_disabled=tls is None,
            connect_timeout=settings.connect_timeout,
            read_timeout=STEP_TIMEOUT,
            init_command=f"SET NAMES utf8mb4, sql_mode = '{SQL_MODE}', lock_wait_timeout = {TABLE_LOCK_TIMEOUT}",
        )

    def savepoint(self, id: str) -> None:  # noqa: A002 - yoyo's name
        """None: a change of the schema would end it, and hide its own failure behind that of going back to it."""

    savepoint_rollback = savepoint

    def _check_transactional_ddl(self) -> bool:
        return False


class MysqlDialect:
    """MySQL or MariaDB, for SqlMigrations."""

    def __init__(self, settings: Mapping[str, MysqlPoolSettings]) -> None:
        self._settings = settings
        self._locked: Backend | None = None

    def connect(self) -> Any:
        """A fresh connection; under the lock, the one that holds it, so that it is held while a step still runs."""
        if self._locked is not None:
            return self._locked
        name = variable(("mysql", PRIMARY, "dsn"))
        if PRIMARY not in self._settings:
            raise MigrationError(f"{name} is required.")
        settings = self._settings[PRIMARY]
        try:
            return Backend(settings)
        except FAILURES as error:
            raise MigrationError(not_opened(name, str(settings.dsn), error).message) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """A lock of the server's, for this database, that ends with the connection."""
        backend = self.connect()
        try:
            name = f"migrations {hashlib.sha256(backend.uri.database.encode()).hexdigest()[:32]}"
            if backend.execute(
                "SELECT GET_LOCK(:name, :seconds)", {"name": name, "seconds": LOCK_TIMEOUT}
            ).fetchone() != (1,):
                raise MigrationError(f"Other migrations run for over {LOCK_TIMEOUT} s. Try again later.")
            self._locked = backend
            yield
        finally:
            self._locked = None
            if backend.connection.open:
                backend.connection.close()

    def table_names(self, backend: Any) -> set[str]:
        return set(backend.list_tables())


class MysqlMigrations(SqlMigrations):
    """The port `Migrations` on MySQL."""

    def __init__(self, settings: Mapping[str, MysqlPoolSettings], folder: Path = FOLDER) -> None:
        super().__init__(MysqlDialect(settings), folder)

    def _run(self, backend: Any, step: Any, direction: str) -> None:
        step.load()
        if len(step.steps) != 1:
            raise MigrationError(
                f"{step.id} has {len(step.steps)} statements, and a failure of one would leave the others done. "
                "Make a step of each."
            )
        was_begun = _note(backend, step.id, direction)
        try:
            super()._run(backend, step, direction)
        except MigrationError as error:
            if not was_begun or error.__cause__ is None or number_of(error.__cause__) not in DONE_ALREADY:
                raise
            step.steps = []
            super()._run(backend, step, direction)
        with backend.transaction():
            backend.execute(f"DELETE FROM {BEGUN}")


def _note(backend: Any, step_id: str, direction: str) -> bool:
    """Remember that this step is begun; whether an earlier run had begun it and got no further."""
    backend.execute(f"CREATE TABLE IF NOT EXISTS {BEGUN} (id VARCHAR(255) NOT NULL, direction VARCHAR(8) NOT NULL)")
    found = backend.execute(f"SELECT id, direction FROM {BEGUN}").fetchall()
    with backend.transaction():
        backend.execute(f"DELETE FROM {BEGUN}")
        backend.execute(
            f"INSERT INTO {BEGUN} (id, direction) VALUES (:id, :direction)", {"id": step_id, "direction": direction}
        )
    return (step_id, direction) in found


class MysqlSchemaCheck:
    """The port `SchemaCheck` on MySQL."""

    def __init__(self, pools: NamedPools[MysqlPool], folder: Path = FOLDER) -> None:
        self._pools = pools
        self._known = step_ids(folder)

    async def missing(self) -> list[str]:
        """The ids of the steps that the primary doesn't have."""
        pool = self._pools.primary
        tables = await pool.read(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = %s", (CHECKSUMS,)
        )
        applied = {row[0] for row in await pool.read(f"SELECT id FROM {CHECKSUMS}")} if tables else set()
        return [step for step in self._known if step not in applied]
