"""The migrations of PostgreSQL, and whether the database has them."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from app.adapters.named_pools import PRIMARY, NamedPools
from app.adapters.postgres.pool import PostgresPool
from app.adapters.postgres.settings import PostgresPoolSettings, connection_uri
from app.adapters.sql_migrations import CHECKSUMS, SqlMigrations, step_ids
from app.ports.migrations import MigrationError

FOLDER = Path("migrations/postgres")
LOCK_TIMEOUT = 60.0
TABLE_LOCK_TIMEOUT = 10.0
"""Seconds that a step waits for a table in use; while it waits, all who come after it wait too."""
LOCK_KEY = 0x6D696772617465
"""The advisory lock that all migrations of one database share: "migrate" in ASCII."""


class PostgresDialect:
    """PostgreSQL, for SqlMigrations."""

    def __init__(self, settings: PostgresPoolSettings) -> None:
        self._settings = settings
        self._arguments: dict[str, Any] = {
            "conninfo": connection_uri(settings),
            "connect_timeout": max(2, math.ceil(settings.connect_timeout)),
        }

    def connect(self) -> Any:
        """A yoyo backend, whose connection libpq makes of the whole DSN: yoyo itself would read only a part of it."""
        address = DatabaseURI("postgresql+psycopg", None, None, None, None, None, self._arguments)
        with self._explained():
            backend = PostgresqlPsycopgBackend(address, "_yoyo_migration")
        backend.execute(f"SET lock_timeout = '{TABLE_LOCK_TIMEOUT}s'")
        backend.execute("SET statement_timeout = 0")
        return backend

    @contextmanager
    def lock(self) -> Iterator[None]:
        """A lock of a transaction, which ends with its connection, and which a PgBouncer passes on too."""
        with self._explained():
            connection = psycopg.connect(**self._arguments)
        with connection:
            try:
                connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'")
                connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
            except psycopg.errors.LockNotAvailable as error:
                raise MigrationError(f"Other migrations run for over {LOCK_TIMEOUT:.0f} s. Try again later.") from error
            yield

    def table_names(self, backend: Any) -> set[str]:
        return set(backend.list_tables())

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            # The text of a ProgrammingError quotes what could not be read of the DSN: perhaps the password.
            reason = "it cannot be read" if isinstance(error, psycopg.ProgrammingError) else str(error)
            raise MigrationError(
                f"Check APP_POSTGRES__PRIMARY__DSN: {self._settings.dsn} cannot be used ({reason})."
            ) from error


class PostgresMigrations(SqlMigrations):
    """The port `Migrations` on PostgreSQL."""

    def __init__(self, pools: Mapping[str, PostgresPoolSettings], folder: Path = FOLDER) -> None:
        super().__init__(PostgresDialect(pools[PRIMARY]), folder)


class PostgresSchemaCheck:
    """The port `SchemaCheck` on PostgreSQL."""

    def __init__(self, pools: NamedPools[PostgresPool], folder: Path = FOLDER) -> None:
        self._pools = pools
        self._known = step_ids(folder)

    async def missing(self) -> list[str]:
        """The ids of the steps that the database doesn't have."""
        pool = self._pools.primary
        tables = await pool.fetch("SELECT 1 WHERE to_regclass($1) IS NOT NULL", (CHECKSUMS,))
        applied = {row[0] for row in await pool.fetch(f"SELECT id FROM {CHECKSUMS}")} if tables else set()
        return [step for step in self._known if step not in applied]
