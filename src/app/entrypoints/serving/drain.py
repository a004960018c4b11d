"""Empties a server that accepts no more: a connection ends with an answer, is handed over, or was idle long enough."""

import asyncio
import time
from collections.abc import Callable

import attrs

from app.entrypoints.http.server import EnvelopeProtocol, EnvelopeServer

TICK = 0.05

Give = Callable[[int], bool]
"""Hands a connection's descriptor to another worker; False when that cannot be done now."""


@attrs.frozen
class DrainLimits:
    """Seconds: how long an idle connection is kept for one more request, and how long everything may take."""

    idle: float
    total: float


class Drain:
    """Lets the connections of a server come to their end.

    An answer says `Connection: close`, so that its connection ends with it. An idle connection is handed over where
    there is somebody to take it. Otherwise it stays open for one more request: a client may be sending one already,
    which would be lost if the connection were closed now.
    """

    def __init__(self, server: EnvelopeServer, limits: DrainLimits) -> None:
        self._server = server
        self._limits = limits
        self._idle_since: dict[EnvelopeProtocol, float] = {}

    async def run(self, give: Give | None) -> bool:
        """Return when no connection is left, with True, or when the time is over."""
        self._server.is_draining = True
        end = time.monotonic() + self._limits.total
        while True:
            self._look(give)
            if not self._server.protocols:
                return True
            if time.monotonic() >= end:
                return False
            await asyncio.sleep(TICK)

    def _look(self, give: Give | None) -> None:
        now, before, self._idle_since = time.monotonic(), self._idle_since, {}
        for connection in self._server.protocols:
            if not connection.is_between:
                continue
            since = before.get(connection, now)
            if give is not None:
                connection.hand_over(give)
            elif now - since >= self._limits.idle:
                connection.close_unless_sent()
            else:
                self._idle_since[connection] = since
