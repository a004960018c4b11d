"""Whether a failed attempt is followed by another one, and when.

Attempts of one call are few; those of all calls together are bounded by a budget, so that an upstream which fails
for everyone is not asked three times as much.
"""

import asyncio
import random

from app.adapters.http.errors import UpstreamFailed
from app.adapters.http.settings import ClientSettings

RESERVE = 3.0
"""Retries that the budget can save up: an upstream with little traffic is retried too, if it failed rarely."""


class RetryBudget:
    """What all calls to one upstream may spend on retries: each call adds its part, each retry takes a whole."""

    def __init__(self, per_call: float) -> None:
        self.per_call = per_call
        self._saved = RESERVE

    def earn(self) -> None:
        """A call begins."""
        self._saved = min(RESERVE, self._saved + self.per_call)

    def spend(self) -> bool:
        """Whether there is enough for a retry, which is then taken."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


class Retries:
    """The retries of one call, which must end at `end` (the loop's clock). Given to stamina as its backoff hook."""

    def __init__(self, settings: ClientSettings, budget: RetryBudget, end: float) -> None:
        self._settings = settings
        self._budget = budget
        self._end = end
        self._failed = 0
        budget.earn()

    def __call__(self, error: BaseException) -> bool | float:
        """Seconds to wait before the next attempt, or False: there is none."""
        self._failed += 1
        if not isinstance(error, UpstreamFailed) or not error.is_transient or self._failed >= self._settings.attempts:
            return False
        wait = error.retry_after + random.uniform(0, self._settings.retry_wait * 2 ** (self._failed - 1))  # noqa: S311 - jitter, no secret
        left = self._end - asyncio.get_running_loop().time() - wait
        has_time = left >= self._settings.attempt_timeout / 2
        return wait if has_time and self._budget.spend() else False
