"""What the connections of one worker may cost: how many there are, and how long a slow client is waited for.

aiohttp ends idle connections by itself. It does not end a request's head that comes byte by byte, nor a client that
takes its answer byte by byte, or not at all. One timer looks after all of them, oldest first.
"""

import asyncio
import logging
import resource
from typing import Any, Protocol

from app.entrypoints.http.envelope import encode_error
from app.entrypoints.http.errors import HttpError
from app.entrypoints.http.response import EncodedResponse

logger = logging.getLogger(__name__)

TICK = 0.25
GOODBYE = 1.0
"""Seconds in which a refused client may read why."""
RESERVED_FILES = 256
"""Open files that are left for everything but clients: storage, logs, outbound calls."""

TOO_MANY = HttpError(
    503, "TOO_MANY_CONNECTIONS", "The service has too many connections. Try again in a second.",
    headers={"Retry-After": "1"},
)  # fmt: skip


class Connection(Protocol):
    """One client's connection."""

    def cut(self) -> None:
        """End it at once, whatever is still to be sent."""
        ...


class Connections:
    """Counts the connections, and cuts those that keep the worker waiting for too long (seconds)."""

    def __init__(self, limit: int, head_timeout: float, write_timeout: float) -> None:
        self.limit = limit
        self.open = 0
        self.heads: dict[Connection, float] = {}
        """Those that sent the beginning of a head, and since when; in this order."""
        self.unread: dict[Connection, float] = {}
        """Those that don't take what is sent to them, and since when; in this order."""
        self._patience = ((self.heads, head_timeout), (self.unread, write_timeout))
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look after them."""
        self._timer = asyncio.get_running_loop().call_later(TICK, self._look)

    def stop(self) -> None:
        """Look after them no more."""
        if self._timer is not None:
            self._timer.cancel()

    def forget(self, connection: Connection) -> None:
        """It is gone."""
        self.heads.pop(connection, None)
        self.unread.pop(connection, None)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for waiting, patience in self._patience:
            late = []
            for connection, since in waiting.items():
                if now - since < patience:
                    break
                late.append(connection)
            for connection in late:
                del waiting[connection]
                connection.cut()
        self.start()


class RefusedConnection(asyncio.Protocol):
    """A connection too many: told so before it asks anything, and gone a second later."""

    def connection_made(self, transport: Any) -> None:
        """Say why, and let the client read it: closing at once would discard what it has sent, and the answer too."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in TOO_MANY.headers.items())
        transport.write(EncodedResponse(503, encode_error(TOO_MANY, ""), headers_block=lines).encoded())
        transport.write_eof()
        asyncio.get_running_loop().call_later(GOODBYE, transport.abort)


def connections_within(limit: int) -> int:
    """As many connections as `limit` and the system's limit of open files allow; the soft one is raised for them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limit + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            logger.warning("Only %d files may be open (ulimit -n), which is too few for %d connections.", soft, limit)
            return max(1, soft - RESERVED_FILES)
    return limit
