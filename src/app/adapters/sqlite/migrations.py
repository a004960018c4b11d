"""The migrations of SQLite, and whether the file has them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from yoyo.backends.core.sqlite3 import SQLiteBackend
from yoyo.connections import parse_uri

from app.adapters.sql_migrations import CHECKSUMS, SqlMigrations, step_ids
from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.settings import SqliteSettings
from app.ports.migrations import MigrationError

FOLDER = Path("migrations/sqlite")
LOCK_TIMEOUT = 60.0


class SqliteDialect:
    """SQLite, for SqlMigrations."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def connect(self) -> Any:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return SQLiteBackend(parse_uri(f"sqlite:///{self._path.absolute()}"), "_yoyo_migrations")
        except (OSError, sqlite3.Error) as error:
            raise MigrationError(f"Check APP_SQLITE__PATH: {self._path} cannot be opened ({error}).") from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """An exclusive transaction on a file beside the data, whose own lock the migrations need themselves."""
        path = self._path.with_name(self._path.name + ".migrations")
        with closing(sqlite3.connect(path, timeout=LOCK_TIMEOUT, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                raise MigrationError(f"Other migrations run for over {LOCK_TIMEOUT:.0f} s. Try again later.") from error
            yield

    def table_names(self, backend: Any) -> set[str]:
        return set(backend.list_tables())


class SqliteMigrations(SqlMigrations):
    """The port `Migrations` on SQLite."""

    def __init__(self, settings: SqliteSettings, folder: Path = FOLDER) -> None:
        super().__init__(SqliteDialect(settings.path), folder)


class SqliteSchemaCheck:
    """The port `SchemaCheck` on SQLite."""

    def __init__(self, pool: SqlitePool, folder: Path = FOLDER) -> None:
        self._pool = pool
        self._known = step_ids(folder)

    async def missing(self) -> list[str]:
        """The ids of the steps that the file doesn't have."""
        tables = await self._pool.read("SELECT 1 FROM sqlite_master WHERE name = ?", (CHECKSUMS,))
        applied = {row[0] for row in await self._pool.read(f"SELECT id FROM {CHECKSUMS}")} if tables else set()
        return [step for step in self._known if step not in applied]
