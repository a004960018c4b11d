"""How long to wait before a worker that died is started again."""

STEADY = 10.0
"""Seconds of serving after which a worker counts as sound: what ends it later is no crash loop."""
FIRST, LONGEST = 0.5, 30.0


class Backoff:
    """The pause before the next start: none for a single death, then longer with each worker that dies young."""

    def __init__(self) -> None:
        self._failures = 0

    def died(self, served: float) -> None:
        """A worker died, or could not start, after it had served for so many seconds."""
        self._failures = 1 if served >= STEADY else self._failures + 1

    @property
    def pause(self) -> float:
        """Seconds to wait before the next start."""
        return 0.0 if self._failures < 2 else min(LONGEST, FIRST * 2.0 ** (self._failures - 2))
