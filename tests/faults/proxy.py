"""A TCP proxy between the service and its storage that can fail in the ways networks do."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.processes import free_port

CHUNK = 65536


class Proxy:
    """Passes bytes on, until it is told to fail. `port` is where to connect."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reset_after: int | None = None
        self.resets = 0

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def close(self) -> None:
        """Stop listening and drop every connection; the port refuses from now on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.cut()

    async def cut(self) -> None:
        """Close every connection that there is."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def black_hole(self) -> None:
        """Keep every connection, take new ones, and pass nothing on in either direction."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass everything on again."""
        self._flows.set()
        self._reset_after = None

    def reset_after(self, size: int) -> None:
        """Reset (RST) each connection as soon as `size` bytes of the server's answers went through it."""
        self._reset_after = size

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        upstream: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            answers, upstream = await asyncio.open_connection("127.0.0.1", self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(reader, upstream))
                both.create_task(self._pass_on(answers, writer, is_answer=True))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            for each in (writer, upstream):
                if each is not None:
                    each.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        passed = 0
        while chunk := await reader.read(CHUNK):
            await self._flows.wait()
            passed += len(chunk)
            if is_answer and self._reset_after is not None and passed > self._reset_after:
                writer.write(chunk[: len(chunk) // 2])
                _reset(writer)
                self.resets += 1
                raise ConnectionResetError
            writer.write(chunk)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
        raise ConnectionResetError


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side sees RST."""
    found = writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def proxied(target: int) -> AsyncIterator[Proxy]:
    """A proxy in front of a port of this machine."""
    proxy = Proxy(target)
    await proxy.open()
    try:
        yield proxy
    finally:
        proxy.flow()
        await proxy.close()
