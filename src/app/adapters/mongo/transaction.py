"""Operations of one transaction, one at a time in its session."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import pymongo
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from app.adapters.mongo.client import Database, Operation, Session, settled
from app.adapters.mongo.errors import UNKNOWN_COMMIT, is_conflict, translated

T = TypeVar("T")
Start = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]

PAUSE, LONGEST_PAUSE = 0.005, 0.05
"""Seconds between two tries, at first and at most."""


class MongoTransaction:
    """What the pool lends for a unit of work.

    `start` runs something to its end even if the caller is cancelled, `seconds` tells what a call may take now.
    """

    def __init__(self, start: Start, database: Database, seconds: Callable[[], float]) -> None:
        self._start = start
        self._database = database
        self._seconds = seconds
        self._session: Session = None
        self._running: asyncio.Task[Any] | None = None
        self._has_begun = False

    async def run(self, operation: "Operation[T]") -> T:
        """What `operation` gives, called within the transaction. Raises what errors.py tells.

        The first operation waits its turn where another transaction has changed the same document: nothing has been
        read yet, so that it may begin anew. A later one ends the unit of work with TransactionAborted.
        """
        pause = PAUSE
        with translated():
            while True:
                try:
                    return await self._keep(self._attempt(operation))
                except PyMongoError as error:
                    if self._has_begun or not is_conflict(error):
                        raise
                await self._keep(self._abort)
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - it spreads retries, no more
                pause = min(2 * pause, LONGEST_PAUSE)

    async def outside(self, operation: "Operation[T]") -> T:
        """What `operation` gives, called outside of the transaction: done at once, and never undone."""
        with translated():
            return await self._keep(lambda: operation(self._database, None))

    async def commit(self) -> None:
        """Make it all visible. Where the answer got lost it is asked for again: committing twice changes nothing."""
        pause = PAUSE
        while self._session is not None and self._has_begun:
            try:
                return await self._keep(self._session.commit_transaction)
            except PyMongoError as error:
                if not error.has_error_label(UNKNOWN_COMMIT):
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        return None

    async def end(self, seconds: float) -> None:
        """Roll back what was not committed, once the running operation has ended; at most `seconds` after that.

        A server that cannot be told rolls back by itself, a minute later.
        """
        if self._running is not None:
            await asyncio.wait({self._running})
        if self._session is not None:
            with suppress(PyMongoError), pymongo.timeout(seconds):
                await self._abort()
                await self._session.end_session()

    def _attempt(self, operation: "Operation[T]") -> Callable[[], Awaitable[T]]:
        async def attempt() -> T:
            if self._session is None:
                self._session = await settled(self._database.client.start_session())
            if not self._session.in_transaction:
                concerns = {"read_concern": ReadConcern("snapshot"), "write_concern": WriteConcern("majority")}
                await settled(self._session.start_transaction(**concerns))
            result = await operation(self._database, self._session)
            self._has_begun = True
            return result

        return attempt

    async def _abort(self) -> None:
        if self._session.in_transaction:
            await self._session.abort_transaction()

    async def _keep(self, work: "Callable[[], Awaitable[T]]") -> T:
        async def within_the_limit() -> T:
            with pymongo.timeout(self._seconds()):
                return await work()

        self._running = self._start(within_the_limit())
        await asyncio.wait({self._running})
        result: T = self._running.result()
        return result
