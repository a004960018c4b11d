"""A queue of open connections between workers: one that leaves gives its idle ones, and those that stay take them.

It is to open connections what a shared listening socket is to new ones. A connection between two requests has no state
but its socket: whatever the client sends meanwhile waits in the kernel until the next worker reads it. So no idle
connection has to be closed at a replacement, and none is lost by a request that crosses with the close
(RFC 9112, section 9.6).
"""

import asyncio
import logging
import socket
from collections.abc import Callable

import attrs

from app.entrypoints.http.server import ServerError

logger = logging.getLogger(__name__)

Take = Callable[[str, socket.socket], None]
"""Called with the part of the service that a connection belongs to, and the connection."""


@attrs.define
class Handover:
    """Both ends of the queue; every worker has them. Nothing is given while `refuses`: nobody would take it."""

    giving: socket.socket
    taking: socket.socket
    refuses: bool = False

    @classmethod
    def make(cls) -> "Handover":
        """A new queue. Messages keep their borders, so that a part's name and its descriptor stay together.

        Raises ServerError on systems without such sockets, macOS among them.
        """
        try:
            return cls(*socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        except OSError as error:
            raise ServerError(
                "`serve` needs Linux: workers hand connections over by a kind of socket that this system lacks "
                f"({error.strerror}). Use `run` here."
            ) from error

    @classmethod
    def of(cls, giving: int, taking: int) -> "Handover":
        """The queue whose descriptors this process got from its parent."""
        return cls(socket.socket(fileno=giving), socket.socket(fileno=taking))

    def give(self, part: str, descriptor: int) -> bool:
        """Put a connection into the queue; False when that cannot be done now."""
        if self.refuses:
            return False
        self.giving.setblocking(False)
        try:
            socket.send_fds(self.giving, [part.encode()], [descriptor])
        except OSError:  # full (EAGAIN), too many on their way (ETOOMANYREFS), nobody there
            return False
        return True

    def start_taking(self, take: Take) -> None:
        """Take whatever is in the queue, from now on."""
        self.taking.setblocking(False)
        asyncio.get_running_loop().add_reader(self.taking.fileno(), self._take, take)

    def stop_taking(self) -> None:
        """Leave the rest to others."""
        asyncio.get_running_loop().remove_reader(self.taking.fileno())

    def _take(self, take: Take) -> None:
        try:
            part, descriptors, _, _ = socket.recv_fds(self.taking, 64, 1)
        except (BlockingIOError, InterruptedError):  # another worker was faster
            return
        for descriptor in descriptors:
            try:
                take(part.decode(), socket.socket(fileno=descriptor))
            except OSError:
                logger.warning("A connection was handed over that is closed already.")

    def close(self) -> None:
        """Close both ends."""
        self.giving.close()
        self.taking.close()
