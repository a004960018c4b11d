"""The steps that bring a storage to the schema which the code expects."""

from collections.abc import Sequence
from typing import Protocol

import attrs


@attrs.frozen
class Migration:
    """One step: its id (a number, a dot and a name), and whether the storage has it already."""

    id: str
    applied: bool


class MigrationError(Exception):
    """Migrations cannot go on; the message says what to do."""


def up_to(ids: Sequence[str], to: str | None) -> Sequence[str]:
    """The first of these ids, up to and including `to`: an id, or its number, with all its zeros or without.

    Raises MigrationError where it is none of them.
    """
    if to is None:
        return ids
    for place, step in enumerate(ids):
        number = step.partition(".")[0]
        if to in (step, number, number.lstrip("0")):
            return ids[: place + 1]
    raise MigrationError(f"There is no migration {to}; the last one is {ids[-1]}.")


class Migrations(Protocol):
    """The migrations of the chosen storage; run as a command before a deploy, never by a serving worker.

    Blocking. Each change happens under the storage's own lock, so that any number may run at once and each step is
    applied exactly once. All raise MigrationError: when an applied file was changed, or the storage does not answer.
    """

    def status(self) -> list[Migration]:
        """Every known step, in order."""
        ...

    def apply(self, to: str | None = None) -> list[str]:
        """Apply what is missing, up to and including `to` (see `up_to`); the ids applied."""
        ...

    def rollback(self, count: int) -> list[str]:
        """Take back the `count` steps applied last, or as many as there are, latest first; the ids taken back."""
        ...


class SchemaCheck(Protocol):
    """Tells a running service whether its storage has the schema it needs."""

    async def missing(self) -> list[str]:
        """The ids of the steps that are not applied; steps unknown to this code are fine (it is the older one)."""
        ...
