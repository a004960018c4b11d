"""Small reads that come at the same time, gathered into one query.

Under load most of what such a read costs is the way to the server and back. A read that comes while others are on
their way waits for the next query, which asks for all that have come until then. So a reader shares only a query that
starts after it asked: it sees whatever was committed before, its own writes among it. A read that finds the way free
goes straight through, and waits for nobody. See docs/decisions/0022-gathered-reads.md.
"""

import asyncio
import copy
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import Context
from itertools import chain
from typing import Any, Generic, TypeVar

import attrs

from app.context import RequestContext, current_request

K = TypeVar("K")
R = TypeVar("R")
Row = TypeVar("Row", bound=Sequence[Any])

FLIGHTS = 2
"""Queries on their way at once: one at the server while the rows of the other are read here."""


Key = tuple[int, ...]


@attrs.frozen(eq=False)  # each is the only one of its kind, and a key
class Gatherable:
    """A statement of SQL by a few integers, for one such key and for `at_most` of them.

    `one` has the integers of its key as parameters. `many` has as many, each with that integer of all keys, in a form
    that the storage takes; its rows end with their key.
    """

    one: str
    many: str
    at_most: int


class _Flight(Generic[K, R]):
    """A query for many keys, and those who wait for it."""

    def __init__(self) -> None:
        self.waiting: dict[K, list[asyncio.Future[R]]] = {}
        self.readers = 0
        self.deadline: float | None = 0.0
        self.task: asyncio.Task[None] | None = None

    def join(self, key: K) -> "asyncio.Future[R]":
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self.waiting.setdefault(key, []).append(future)
        self.readers += 1
        request = current_request.get()
        if request is None:
            self.deadline = None
        elif self.deadline is not None:
            self.deadline = max(self.deadline, request.deadline)
        return future

    def futures(self) -> "Iterator[asyncio.Future[R]]":
        return chain.from_iterable(self.waiting.values())

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


class Gathered(Generic[K, R]):
    """Reads by a key, such as an id.

    `one` reads what belongs to a key, `many` the same for each of several, `at_most` so many readers in one query;
    a key that `many` doesn't find has `none`.
    """

    def __init__(
        self,
        one: Callable[[K], Awaitable[R]],
        many: Callable[[Sequence[K]], Awaitable[Mapping[K, R]]],
        none: R,
        at_most: int,
    ) -> None:
        self._one = one
        self._many = many
        self._none = none
        self._at_most = at_most
        self._flights = 0
        self._waiting: deque[_Flight[K, R]] = deque()

    async def read(self, key: K) -> R:
        """What belongs to `key`. Raises what the query raises."""
        if self._flights < FLIGHTS:
            self._flights += 1
            try:
                return await self._one(key)
            finally:
                self._landed()
        if not self._waiting or self._waiting[-1].readers >= self._at_most:
            self._waiting.append(_Flight())
        flight = self._waiting[-1]
        try:
            return await flight.join(key)
        except asyncio.CancelledError:
            flight.leave()
            raise

    def _landed(self) -> None:
        self._flights -= 1
        while self._waiting:
            flight = self._waiting.popleft()
            if flight.readers:
                self._flights += 1
                # Its own task: whoever waits for it may be cancelled.
                flight.task = asyncio.get_running_loop().create_task(self._fly(flight), context=flight.context())
                return

    async def _fly(self, flight: _Flight[K, R]) -> None:
        try:
            found = await self._many(list(flight.waiting))
        except BaseException as error:
            for future in flight.futures():
                _fail(future, error)
            if not isinstance(error, Exception):
                raise
        else:
            for key, futures in flight.waiting.items():
                rows = found.get(key, self._none)
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


class GatheredRows(Generic[Row]):
    """Statements of one pool, gathered each by itself. `listed` makes many integers one parameter."""

    def __init__(
        self,
        fetch: Callable[[str, Sequence[object]], Awaitable[Sequence[Row]]],
        listed: Callable[[Sequence[int]], object],
    ) -> None:
        self._fetch = fetch
        self._listed = listed
        self._gathered: dict[Gatherable, Gathered[Key, Sequence[Row]]] = {}

    def read(self, query: Gatherable, key: Key) -> Awaitable[Sequence[Row]]:
        """The rows that belong to `key`."""
        gathered = self._gathered.get(query)
        if gathered is None:
            gathered = self._gathered[query] = self._gather(query)
        return gathered.read(key)

    def _gather(self, query: Gatherable) -> Gathered[Key, Sequence[Row]]:
        async def many(keys: Sequence[Key]) -> Mapping[Key, Sequence[Row]]:
            found: defaultdict[Key, list[Row]] = defaultdict(list)
            size = len(keys[0])
            for row in await self._fetch(query.many, [self._listed(each) for each in zip(*keys, strict=True)]):
                key: Any = row[-size:]
                found[key].append(row)
            return found

        return Gathered(lambda key: self._fetch(query.one, key), many, (), query.at_most)
