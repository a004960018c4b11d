"""The migrations of MongoDB, through pymongo-migrate, with what it lacks: a lock, and checksums.

A step and its mark cannot be one transaction: a step whose process was killed runs again, and must take what it finds.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymongo
from pymongo.errors import ConnectionFailure, PyMongoError
from pymongo_migrate.migrations import MigrationState
from pymongo_migrate.mongo_migrate import MongoMigrate

from app.adapters.mongo.client import DATABASE, options, place
from app.adapters.mongo.lease import Lease
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.settings import MongoPoolSettings
from app.adapters.named_pools import PRIMARY, NamedPools
from app.ports.migrations import Migration, MigrationError, up_to

FOLDER = Path("migrations/mongo")
STATES = "migrations"
LOCKS = "migration_locks"
STEP_LIMIT = 3600.0
"""Seconds that one step may take; an index over many documents takes long."""
CALL_LIMIT = 10.0


def step_ids(folder: Path) -> list[str]:
    """The ids of all steps in `folder`, in order."""
    return sorted(file.stem for file in folder.glob("*.py"))


class Steps(MongoMigrate):  # type: ignore[misc]  # it comes without types
    """pymongo-migrate, which keeps a step's checksum in the step's own document."""

    def get_state(self, migration: Any) -> MigrationState:
        found = self.db_collection.find_one({"name": migration.name})
        return MigrationState(migration.name, found and found["applied"])

    def set_state(self, status: MigrationState) -> None:
        checksum = _checksum(self.migrations_path / f"{status.name}.py")
        state = {"name": status.name, "applied": status.applied, "checksum": checksum}
        self.db_collection.replace_one({"name": status.name}, state, upsert=True)

    def applied(self) -> dict[str, str]:
        """The checksums of the applied steps, by id."""
        return {each["name"]: each["checksum"] for each in self.db_collection.find({"applied": {"$ne": None}})}


class MongoMigrations:
    """The port `Migrations` on MongoDB."""

    def __init__(self, pools: Mapping[str, MongoPoolSettings], folder: Path = FOLDER) -> None:
        self._pools = pools
        self._folder = folder

    def status(self) -> list[Migration]:
        """Every known step, in order."""
        with self._connected() as steps:
            applied = steps.applied()
        return [Migration(step, step in applied) for step in self._ids()]

    def apply(self, to: str | None = None) -> list[str]:
        """Apply what is missing, up to and including `to`; the ids applied."""
        wanted = list(up_to(self._ids(), to))
        with self._connected() as steps:
            if not self._missing(steps, wanted):
                return []
            lease = Lease(steps.db[LOCKS], "migrations")
            with lease.held():
                missing = self._missing(steps, wanted)
                for step in missing:
                    lease.require()
                    _run(step, lambda name: steps.upgrade(name))
        return missing

    def rollback(self, count: int) -> list[str]:
        """Take back the `count` steps applied last, latest first; the ids taken back."""
        with self._connected() as steps:
            lease = Lease(steps.db[LOCKS], "migrations")
            with lease.held():
                applied = steps.applied()
                ids = [step for step in reversed(self._ids()) if step in applied][:count]
                for step in ids:
                    lease.require()
                    _run(step, lambda name: steps.downgrade(self._before(name)))
        return ids

    def _ids(self) -> list[str]:
        ids = step_ids(self._folder)
        if not ids:
            raise MigrationError(f"There are no migrations in {self._folder}: run this from the service's folder.")
        return ids

    def _before(self, step: str) -> str | None:
        ids = self._ids()
        place_of = ids.index(step)
        return ids[place_of - 1] if place_of else None

    def _missing(self, steps: Steps, wanted: list[str]) -> list[str]:
        applied = steps.applied()
        changed = [step for step in wanted if applied.get(step) not in (None, _checksum(self._folder / f"{step}.py"))]
        if changed:
            raise MigrationError(
                f"{', '.join(changed)}: applied already, and changed since. Undo that, add a new step."
            )
        return [step for step in wanted if step not in applied]

    @contextmanager
    def _connected(self) -> Iterator[Steps]:
        settings = self._pools[PRIMARY]
        with _client(settings) as client:
            database = client.get_default_database(DATABASE).name
            steps = Steps(client, database, str(self._folder), STATES)
            try:
                with pymongo.timeout(max(settings.open_timeout, settings.selection_timeout)):
                    client.admin.command("ping")
                yield steps
            except PyMongoError as error:
                raise MigrationError(f"{place(PRIMARY, settings)}: {_without_values(error)}.") from None


def _client(settings: MongoPoolSettings) -> "pymongo.MongoClient[dict[str, Any]]":
    try:
        return pymongo.MongoClient(settings.dsn.reveal(), timeoutMS=round(CALL_LIMIT * 1000), **options(settings))
    except (PyMongoError, OSError, TypeError, ValueError) as error:
        # Its text may quote the DSN, with the password.
        raise MigrationError(f"{place(PRIMARY, settings)}: no client can be made ({type(error).__name__}).") from None


def _without_values(error: PyMongoError) -> str:
    if isinstance(error, ConnectionFailure) or error.timeout:
        return "it does not answer"
    return f"it refused ({type(error).__name__})"


def _run(step: str, run: Any) -> None:
    try:
        with pymongo.timeout(STEP_LIMIT):
            run(step)
    except PyMongoError as error:
        raise MigrationError(f"{step} could not be run: {error}") from error


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


class MongoSchemaCheck:
    """The port `SchemaCheck` on MongoDB."""

    def __init__(self, pools: NamedPools[MongoPool], folder: Path = FOLDER) -> None:
        self._pools = pools
        self._known = step_ids(folder)

    async def missing(self) -> list[str]:
        """The ids of the steps that the database doesn't have."""
        applied = await self._pools.primary.run(
            lambda db, session: db[STATES].distinct("name", {"applied": {"$ne": None}}, session=session)
        )
        return [step for step in self._known if step not in applied]
