"""Single-row reads that come at the same time, gathered into one query.

Under load most of what such a read costs is the way to the server and back. A read that comes while others are on
their way waits for the next query, which asks for all that have come until then. So a reader shares only a query that
starts after it asked: it sees whatever was committed before, its own writes among it. A read that finds the way free
goes straight through, and waits for nobody.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from typing import Generic, TypeVar

import attrs

from app.context import RequestContext, current_request

R = TypeVar("R")

FLIGHTS = 2
"""Queries on their way at once: one at the server while the rows of the other are read here."""


@attrs.frozen(eq=False)  # each is the only one of its kind, and a key
class ById:
    """A statement for what belongs to an id: `one` takes an id, `many` several; their rows begin with the id."""

    one: str
    many: str


class _Flight(Generic[R]):
    """A query for many ids, and those who wait for it."""

    def __init__(self) -> None:
        self.waiting: dict[int, list[asyncio.Future[R]]] = {}
        self.readers = 0
        self.deadline: float | None = 0.0
        self.task: asyncio.Task[None] | None = None

    def join(self, id_: int) -> "asyncio.Future[R]":
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(id_, []).append(future)
        self.readers += 1
        request = current_request.get()
        if request is None:
            self.deadline = None
        elif self.deadline is not None:
            self.deadline = max(self.deadline, request.deadline)
        return future

    def leave(self) -> None:
        """One who waited has gone; when that was the last one, the query is cancelled."""
        self.readers -= 1
        if not self.readers and self.task is not None:
            self.task.cancel()

    def context(self) -> Context:
        """That of no request, with the time of the reader who has most of it: the others leave by themselves."""
        context = Context()
        if self.deadline is not None:
            context.run(current_request.set, RequestContext("gathered reads", self.deadline))
        return context


class Gathered(Generic[R]):
    """Reads by id. `one` reads what belongs to an id, `many` the same for each of several; missing ids give `none`."""

    def __init__(
        self,
        one: Callable[[int], Awaitable[R]],
        many: Callable[[Sequence[int]], Awaitable[Mapping[int, R]]],
        none: R,
    ) -> None:
        self._one = one
        self._many = many
        self._none = none
        self._flights = 0
        self._next: _Flight[R] | None = None

    async def read(self, id_: int) -> R:
        """What belongs to `id_`. Raises what the query raises."""
        if self._flights < FLIGHTS:
            self._flights += 1
            try:
                return await self._one(id_)
            finally:
                self._landed()
        flight = self._next
        if flight is None:
            flight = self._next = _Flight()
        try:
            return await flight.join(id_)
        except asyncio.CancelledError:
            flight.leave()
            raise

    def _landed(self) -> None:
        self._flights -= 1
        flight, self._next = self._next, None
        if flight is not None and flight.readers:
            self._flights += 1
            # Its own task: whoever waits for it may be cancelled.
            flight.task = asyncio.get_running_loop().create_task(self._fly(flight), context=flight.context())

    async def _fly(self, flight: _Flight[R]) -> None:
        try:
            found = await self._many(list(flight.waiting))
        except BaseException as error:
            for futures in flight.waiting.values():
                for future in futures:
                    _fail(future, error)
            if not isinstance(error, Exception):
                raise
        else:
            for id_, futures in flight.waiting.items():
                rows = found.get(id_, self._none)
                for future in futures:
                    if not future.done():
                        future.set_result(rows)
        finally:
            self._landed()


def _fail(future: "asyncio.Future[R]", error: BaseException) -> None:
    """Raise a copy for each reader: a traceback grows with everyone who raises the same one."""
    if future.done():
        return
    if isinstance(error, Exception):
        own = copy.copy(error)
        own.__cause__ = error
        future.set_exception(own)
    else:
        future.cancel()
