"""Leaves an upstream alone that fails: callers get their error at once, and it gets time to recover.

Closed, all calls pass; open, none; half-open, one at a time, as a probe that decides which of the two it will be.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from app.adapters.http.errors import CallRefused, CircuitOpen, UpstreamFailed, UpstreamMissing
from app.adapters.http.settings import ClientSettings

logger = logging.getLogger(__name__)

State = Literal["closed", "open", "half-open"]


class Breaker:
    """The breaker of one upstream, with the thresholds of `settings`."""

    def __init__(self, name: str, settings: ClientSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self.settings = settings
        self._clock = clock
        self._ended: deque[tuple[float, bool]] = deque()
        self._failures = 0
        self._opened_at: float | None = None
        self._is_probing = False
        self._changes = 0

    @property
    def state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "open" if self._clock() - self._opened_at < self.settings.breaker_pause else "half-open"

    @contextmanager
    def passage(self) -> Iterator[None]:
        """One call, of whose end the breaker takes note. Raises CircuitOpen in its place."""
        self._is_probing = self._let_in()
        changes = self._changes
        try:
            yield
        except UpstreamFailed:
            self._note(changes, has_failed=True)
            raise
        except (UpstreamMissing, CallRefused):
            self._note(changes, has_failed=False)
            raise
        except BaseException:
            # Cancelled, out of time, nowhere to go: that tells nothing of the upstream, so the next call may probe it.
            if changes == self._changes:
                self._is_probing = False
            raise
        self._note(changes, has_failed=False)

    def _let_in(self) -> bool:
        """Whether the call that comes now is a probe."""
        state = self.state
        if state == "open" or (state == "half-open" and self._is_probing):
            raise CircuitOpen(f"{self._name} failed too often just now. Try again later.")
        return state == "half-open"

    def _note(self, changes: int, *, has_failed: bool) -> None:
        if changes != self._changes:
            return  # the call began before the breaker last opened or closed
        if self._opened_at is not None:
            self._open("the probe failed") if has_failed else self._close()
            return
        now, settings = self._clock(), self.settings
        self._ended.append((now, has_failed))
        self._failures += has_failed
        while self._ended[0][0] < now - settings.breaker_window:
            self._failures -= self._ended.popleft()[1]
        calls = len(self._ended)
        if has_failed and calls >= settings.breaker_calls and self._failures >= calls * settings.breaker_failures:
            self._open(f"{self._failures} of {calls} calls failed")

    def _open(self, why: str) -> None:
        logger.warning("%s is left alone for %g s: %s.", self._name, self.settings.breaker_pause, why)
        self._reset(self._clock())

    def _close(self) -> None:
        logger.info("%s is well again.", self._name)
        self._reset(None)

    def _reset(self, opened_at: float | None) -> None:
        self._opened_at = opened_at
        self._is_probing = False
        self._changes += 1
        self._ended.clear()
        self._failures = 0
