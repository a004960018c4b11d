"""Posts and features in memory: a real storage without a database, for tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import attrs

from app.adapters.memory.events import MemoryEventLog, MemoryOutbox
from app.adapters.memory.features import MemoryFeatureRepository
from app.adapters.memory.idempotency import MemoryIdempotencyRepository
from app.adapters.memory.posts import MemoryPostRepository
from app.adapters.memory.tables import Tables
from app.ports.health import PoolUsage


@attrs.frozen
class MemoryWork:
    """The repositories of one unit of work."""

    posts: MemoryPostRepository
    features: MemoryFeatureRepository
    idempotency: MemoryIdempotencyRepository
    events: MemoryEventLog


class MemoryStore:
    """Everything a use case needs: `store = MemoryStore(); PostService(store.posts, store.transactions, now)`.

    It is the port `Transactions`, and a `Pool` and a `SchemaCheck` to stand in for those of a database.
    """

    name = "memory"
    is_required = True
    where = "nothing: it is in memory"

    def __init__(self) -> None:
        self._committed = Tables()
        self._writing = asyncio.Lock()
        self.posts = MemoryPostRepository(self._tables, self._change)
        self.features = MemoryFeatureRepository(self._tables, self._change)
        self.outbox = MemoryOutbox(self._tables, self._change)
        self.idempotency = MemoryIdempotencyRepository(self._tables, self._change)

    @property
    def transactions(self) -> Self:
        """The store itself: units of work begin here."""
        return self

    def _tables(self) -> Tables:
        return self._committed

    @asynccontextmanager
    async def _change(self) -> AsyncIterator[Tables]:
        """A copy to change, taken over on a clean exit; one at a time."""
        async with self._writing:
            draft = self._committed.draft()
            yield draft
            self._committed = draft

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[MemoryWork]:
        """A unit of work; units run one after the other."""
        async with self._change() as draft:
            drafted = (lambda: draft, _nested(draft))
            yield MemoryWork(
                MemoryPostRepository(*drafted),
                MemoryFeatureRepository(*drafted),
                MemoryIdempotencyRepository(*drafted),
                MemoryEventLog(draft),
            )

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def ping(self) -> None:
        """It always answers."""

    async def missing(self) -> list[str]:
        """It needs no migrations."""
        return []

    def usage(self) -> PoolUsage:
        return PoolUsage(size=1, in_use=0, waiting=0)

    def failures(self) -> dict[str, int]:
        """It never fails."""
        return {}


def _nested(draft: Tables) -> Any:
    @asynccontextmanager
    async def change() -> AsyncIterator[Tables]:
        # As long as any database takes to answer: let others run.
        await asyncio.sleep(0)
        yield draft

    return change
