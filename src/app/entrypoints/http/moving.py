"""Connections that another process can go on with."""

import fcntl
import termios
from array import array
from collections.abc import Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

REQUEST_TIMEOUT = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
"""RFC 9110, section 15.5.9: the client may repeat the request on another connection."""


def unread(descriptor: int) -> bool:
    """Whether the kernel has data of this socket that wasn't read yet."""
    count = array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0] > 0


class MovableConnection(web.RequestHandler):
    """Between two requests a connection has no state but its socket: that can be given away."""

    __slots__ = ()

    @property
    def waits(self) -> bool:
        """Whether no whole request is there, and all answers are sent."""
        waiter, transport = self._waiter, self.transport
        if waiter is None or waiter.done() or transport is None or transport.is_closing():
            return False
        return not (self._messages or self._upgraded) and transport.get_write_buffer_size() == 0

    @property
    def has_more(self) -> bool:
        """Whether requests that were sent together wait behind the one that is answered."""
        return bool(self._messages)

    def close_unless_sent(self) -> None:
        """Close an idle connection, unless a request has arrived that nobody has read yet."""
        transport = self.transport
        if transport is not None and not unread(transport.get_extra_info("socket").fileno()):
            self.force_close()

    def _has_hidden_part(self) -> bool:
        """Whether the begin of a request came together with the end of the one before it, which only the parser knows.

        It answers by failing, or by making up a request, when it is told that no more will come.
        """
        try:
            return self._parser is not None and self._parser.feed_eof() is not None
        except HttpProcessingError:
            return True

    def hand_over(self, give: Callable[[int], bool]) -> bool:
        """Let go of an idle connection, its descriptor given away by `give`; what the client sends later is read there.

        False when `give` refuses it now. Nothing is read between the look at the state and the end of this call.
        """
        transport = self.transport
        if transport is None:
            return False
        if self._has_hidden_part():
            # Nobody else can go on from there.
            transport.write(REQUEST_TIMEOUT)
            self.force_close()
            return True
        transport.pause_reading()
        if not give(transport.get_extra_info("socket").fileno()):
            transport.resume_reading()
            return False
        self.force_close()
        return True
