"""Doing something once, however often it is asked for: what it does and what it answers are stored together.

While an answer is being made, every unit of work that the use cases begin is part of one, in which the answer is kept
as well: a process that dies leaves both behind, or neither.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from contextvars import ContextVar
from datetime import datetime, timedelta

import attrs

from app.context import remaining
from app.domain.errors import TransactionAborted, Unavailable
from app.domain.model.idempotency import Attempt, KeptAnswer
from app.ports.idempotency import IdempotencyRepository
from app.ports.unit_of_work import Transactions, Work, run_repeatable

CLAIM_ATTEMPTS = 3
LONGEST = 300.0
"""Seconds that an attempt may take outside of any request."""
MARGIN = 1.0
"""Seconds that a claim outlives the request that made it, whose last statement may still be on its way."""
STEP = 1000

Make = Callable[[], Awaitable[KeptAnswer]]


class Whole:
    """A unit of work that others, begun while it lasts, are part of."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.has_failed = False

    @asynccontextmanager
    async def part(self) -> AsyncIterator[Work]:
        """The same unit of work; a part that failed fails the whole, and every later part."""
        if self.has_failed:
            raise TransactionAborted("The storage is busy. Try again later.")
        try:
            yield self._work
        except BaseException:
            self.has_failed = True
            raise


_whole: ContextVar[Whole | None] = ContextVar("whole", default=None)


@attrs.frozen
class JoinableTransactions:
    """The port `Transactions`: a unit of work begun inside of a whole is part of it."""

    transactions: Transactions

    def begin(self) -> AbstractAsyncContextManager[Work]:
        whole = _whole.get()
        return self.transactions.begin() if whole is None else whole.part()


@attrs.frozen
class IdempotencyService:
    """Gives each key one answer, which is kept for `keep_for` seconds."""

    keys: IdempotencyRepository
    transactions: Transactions
    now: Callable[[], datetime]
    keep_for: float

    async def claim(self, attempt: Attempt) -> KeptAnswer | None:
        """The answer that is kept, or None: then the key is this attempt's. Raises KeyReused and KeyInUse."""
        now = self.now()
        until = now + timedelta(seconds=remaining(LONGEST) + MARGIN)
        for _ in range(CLAIM_ATTEMPTS - 1):
            with suppress(TransactionAborted):
                return await self.keys.claim(attempt, now, until)
        return await self.keys.claim(attempt, now, until)

    async def keep(self, attempt: Attempt, make: Make) -> KeptAnswer:
        """What `make` gives, kept in the unit of work that `make` writes in; what it raises undoes them all.

        `make` may run more than once. It must write in units of work only. Raises KeyInUse when it took so long that
        another attempt has the key.
        """

        async def unit(work: Work) -> KeptAnswer:
            whole = Whole(work)
            token = _whole.set(whole)
            try:
                answer = await make()
            finally:
                _whole.reset(token)
            if whole.has_failed:
                raise RuntimeError("A unit of work failed, and the handler went on: its answer can't be kept.")
            await work.idempotency.keep(attempt, answer, self.now() + timedelta(seconds=self.keep_for))
            return answer

        return await run_repeatable(self.transactions, unit)

    async def release(self, attempt: Attempt) -> None:
        """Let the next attempt have the key at once; a storage that doesn't answer lets it go a little later."""
        with suppress(Unavailable):
            await self.keys.release(attempt)

    async def purge(self, steps: int = 100) -> int:
        """Remove keys whose time is over, a thousand a step, in at most so many steps; how many."""
        total = 0
        for _ in range(steps):
            removed = await self.keys.purge(self.now(), STEP)
            total += removed
            if removed < STEP:
                break
        return total
