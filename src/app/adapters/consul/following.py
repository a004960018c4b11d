"""Keeps up with a value in Consul: each question waits there until its answer may have changed (a blocking query)."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from app.adapters.consul.client import Answer
from app.adapters.consul.transport import ConsulError

logger = logging.getLogger(__name__)

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

LONGEST_PAUSE = 10.0


class Listener(Protocol[T_contra]):
    """Who is told of every answer, also of one that brings nothing new."""

    async def told(self, value: T_contra, *, lost: bool) -> None:
        """Consul holds `value` now; `lost` when it seems to have lost its state since the last answer."""
        ...

    def unanswered(self, error: ConsulError) -> None:
        """Consul gave no proper answer."""
        ...


class Follower(Generic[T]):
    """Asks again and again, in a task of its own; pauses after failures, ever longer, up to ten seconds."""

    def __init__(self, name: str, ask: Callable[[int], Awaitable[Answer[T]]], listener: Listener[T]) -> None:
        self._name = name
        self._ask = ask
        self._listener = listener
        self._index = 0
        self._last = 0
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    def start(self, index: int = 0) -> None:
        """Begin to follow; with the index of an answer, from there on."""
        self._index = self._last = index
        self._task = asyncio.create_task(self._follow(), name=self._name)

    async def stop(self) -> None:
        """Follow no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _follow(self) -> None:
        while True:
            try:
                await self.once()
            except Exception:
                # It goes on: whatever a handler makes of one answer, the next one must be heard.
                logger.exception("Could not use what Consul answered.")
                self._failed()
            if self._failures:
                await asyncio.sleep(pause(self._failures))

    async def once(self) -> None:
        """Ask one question, and tell the listener of the answer or of its failure."""
        try:
            answer = await self._ask(self._index)
        except ConsulError as error:
            self._failed()
            self._listener.unanswered(error)
            return
        # An index that goes backwards is none of this state's (the agent restarted): begin anew.
        lost = answer.index < self._last
        self._index = 0 if lost else answer.index
        self._last = answer.index
        self._failures = 0
        await self._listener.told(answer.value, lost=lost)

    def _failed(self) -> None:
        self._failures += 1
        self._index = 0  # the next answer comes at once, and tells that Consul is back


def pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row; random, so that many processes don't come back together."""
    longest = min(LONGEST_PAUSE, 2.0 ** min(failures - 1, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311 - no secret is made of it
