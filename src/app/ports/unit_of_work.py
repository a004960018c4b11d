"""Several writes that happen all or not at all."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from app.domain.errors import TransactionAborted
from app.ports.events import EventLog
from app.ports.features import FeatureRepository
from app.ports.idempotency import KeptAnswers
from app.ports.posts import PostRepository

T = TypeVar("T")


class Work(Protocol):
    """The repositories of one unit of work: what is written through them becomes visible together."""

    @property
    def posts(self) -> PostRepository: ...

    @property
    def features(self) -> FeatureRepository: ...

    @property
    def events(self) -> EventLog: ...

    @property
    def idempotency(self) -> KeptAnswers: ...


class Transactions(Protocol):
    """Where units of work begin."""

    def begin(self) -> AbstractAsyncContextManager[Work]:
        """A unit of work: committed on a clean exit, rolled back on any exception or cancellation.

        Make no remote call inside it. Raises TransactionAborted when the storage gave it up for another one.
        """
        ...


async def run_repeatable(transactions: Transactions, unit: Callable[[Work], Awaitable[T]], attempts: int = 3) -> T:
    """Run `unit` in a unit of work, and once more in a fresh one each time the storage aborts it.

    Only for units that do nothing but write through their `work`: they may run `attempts` times.
    Raises TransactionAborted after the last attempt.
    """
    for _ in range(attempts - 1):
        try:
            async with transactions.begin() as work:
                return await unit(work)
        except TransactionAborted:
            continue
    async with transactions.begin() as work:
        return await unit(work)
