"""Plain SQL migrations through yoyo, with what it lacks: a lock that dies with its holder, and checksums.

yoyo's own lock is a row that a crash leaves behind, and it marks a step as applied in another transaction than the
step's own. Here the database's lock guards a whole run, and where the database can do it, a step, its mark and its
checksum are one transaction.
"""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import yoyo

from app.ports.migrations import Migration, MigrationError, up_to

CHECKSUMS = "migration_checksums"


class Dialect(Protocol):
    """What is special about one database."""

    def connect(self) -> Any:
        """A fresh yoyo backend. Raises MigrationError when the database does not answer."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Hold the database's own lock, which ends with this process at the latest."""
        ...

    def table_names(self, backend: Any) -> set[str]:
        """The tables that are there."""
        ...


def step_ids(folder: Path) -> list[str]:
    """The ids of all steps in `folder`, in order."""
    return sorted(
        file.name.removesuffix(".sql") for file in folder.glob("*.sql") if not file.name.endswith(".rollback.sql")
    )


class SqlMigrations:
    """The port `Migrations` for a folder of `0001.name.sql` files with their `.rollback.sql`."""

    def __init__(self, dialect: Dialect, folder: Path) -> None:
        self._dialect = dialect
        self._folder = folder

    def status(self) -> list[Migration]:
        """Every known step, in order."""
        with self._connected() as backend:
            applied = self._applied(backend)
        return [Migration(step.id, step.id in applied) for step in self._steps()]

    def apply(self, to: str | None = None) -> list[str]:
        """Apply what is missing, up to and including `to`; the ids applied."""
        steps = self._steps()
        wanted = steps[: len(up_to([step.id for step in steps], to))]
        with self._connected() as backend:
            if not self._missing(backend, wanted):
                return []
        with self._dialect.lock(), self._connected() as backend:
            _prepare(backend, self._dialect.table_names(backend))
            missing = self._missing(backend, wanted)
            for step in missing:
                self._run(backend, step, "apply")
        return [step.id for step in missing]

    def rollback(self, count: int) -> list[str]:
        """Take back the `count` steps applied last, latest first; the ids taken back."""
        with self._dialect.lock(), self._connected() as backend:
            applied = self._applied(backend)
            steps = [step for step in reversed(self._steps()) if step.id in applied][:count]
            for step in steps:
                self._run(backend, step, "rollback")
        return [step.id for step in steps]

    def _steps(self) -> list[Any]:
        steps = list(yoyo.read_migrations(str(self._folder)))
        if not steps:
            raise MigrationError(f"There are no migrations in {self._folder}: run this from the service's folder.")
        return sorted(steps, key=lambda step: step.id)

    def _missing(self, backend: Any, wanted: list[Any]) -> list[Any]:
        applied = self._applied(backend)
        changed = [step.id for step in wanted if applied.get(step.id) not in (None, _checksum(step))]
        if changed:
            raise MigrationError(
                f"{', '.join(changed)}: applied already, and changed since. Undo that, add a new step."
            )
        return [step for step in wanted if step.id not in applied]

    def _applied(self, backend: Any) -> dict[str, str]:
        if CHECKSUMS not in self._dialect.table_names(backend):
            return {}
        return dict(backend.execute(f"SELECT id, checksum FROM {CHECKSUMS}").fetchall())

    def _run(self, backend: Any, step: Any, direction: str) -> None:
        try:
            with backend.transaction():
                step.process_steps(backend, direction)
                if direction == "apply":
                    backend.mark_one(step, log=False)
                    backend.execute(
                        f"INSERT INTO {CHECKSUMS} (id, checksum) VALUES (:id, :checksum)",
                        {"id": step.id, "checksum": _checksum(step)},
                    )
                else:
                    backend.unmark_one(step, log=False)
                    backend.execute(f"DELETE FROM {CHECKSUMS} WHERE id = :id", {"id": step.id})
        except backend.DatabaseError as error:
            raise MigrationError(f"{step.id} could not be run: {error}") from error

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        backend = self._dialect.connect()
        try:
            yield backend
        except backend.DatabaseError as error:
            raise MigrationError(f"The storage cannot be migrated: {error}. Check its settings.") from error
        finally:
            backend.connection.close()


def _prepare(backend: Any, tables: set[str]) -> None:
    """Bring yoyo's own tables about, under our lock: a row of its lock can only be a dead process's."""
    backend.init_database()
    backend.break_lock()
    backend.ensure_internal_schema_updated()
    if CHECKSUMS not in tables:
        with backend.transaction():
            backend.execute(f"CREATE TABLE {CHECKSUMS} (id VARCHAR(255) PRIMARY KEY, checksum VARCHAR(64) NOT NULL)")


def _checksum(step: Any) -> str:
    return hashlib.sha256(Path(step.path).read_bytes()).hexdigest()
