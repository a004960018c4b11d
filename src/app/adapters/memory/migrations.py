"""Migrations of what has no schema."""

from app.ports.migrations import Migration


class NoMigrations:
    """There are none, and so none is missing."""

    def status(self) -> list[Migration]:
        """Nothing."""
        return []

    def apply(self, to: str | None = None) -> list[str]:
        """Nothing to do."""
        return []

    def rollback(self, count: int) -> list[str]:
        """Nothing to do."""
        return []
