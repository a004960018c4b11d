"""Clients that never send a request twice: what a restart loses, they tell.

They do what HTTP asks of a client: after `Connection: close`, or when a connection is found closed before a request is
sent, they open another one. Nothing that was sent is sent again.
"""

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import attrs

ANSWER_TIMEOUT = 30.0


class Refused(Exception):
    """Nobody listens: the service is gone, and the request was not sent."""


@attrs.define
class Tally:
    """What happened to all requests: how many were answered as they should be, and what went wrong with the others."""

    answered: int = 0
    refused: int = 0
    failures: list[str] = attrs.field(factory=list)
    statuses: Counter[int] = attrs.field(factory=Counter)

    def failed(self, what: str) -> None:
        self.failures.append(what)


@attrs.frozen
class Exchange:
    """A request, and the status of its answer, or another that is as good.

    `pieces` are sent one by one, with a pause between them (seconds).
    """

    pieces: tuple[bytes, ...]
    status: int
    pause: float = 0.0
    other_status: int | None = None


class Requests:
    """An endless mixture of reads, writes and failures, as whole messages and in pieces."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._numbers = itertools.count()

    def get(self) -> Exchange:
        return Exchange((b"GET /api/v1/posts?limit=1 HTTP/1.1\r\nHost: a\r\n\r\n",), 200)

    def missing(self) -> Exchange:
        return Exchange((b"GET /api/v1/posts/999999999 HTTP/1.1\r\nHost: a\r\n\r\n",), 404)

    def post(self, pause: float = 0.0, *, cut: bool = False) -> Exchange:
        """A POST whose body follows its head after `pause`; with `cut` the head itself comes in two pieces."""
        title = f"{id(self)}-{next(self._numbers)}"
        body = json.dumps({"title": title, "content": "x", "features": []}).encode()
        head = (
            f"POST /api/v1/posts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        pieces = (head[:40], head[40:], body) if cut else (head, body)
        return Exchange(pieces if pause or cut else (head + body,), 201, pause)

    def mixed(self) -> Exchange:
        return random.choices((self.get, self.post, self.missing), (5, 4, 1))[0]()

    def slow(self) -> Exchange:
        return self.post(random.uniform(0.001, 0.2), cut=random.random() < 0.5)


class Connection:
    """One connection at a time to the service."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, exchange: Exchange) -> int:
        """The status of the answer. Raises Refused before, and ConnectionError after something was sent."""
        reader, writer = await self._open()
        for number, piece in enumerate(exchange.pieces):
            if number:
                await asyncio.sleep(exchange.pause)
            writer.write(piece)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                return await self._read(reader)
        except asyncio.IncompleteReadError as error:
            raise ConnectionError(f"closed after {len(error.partial)} bytes of an answer") from error

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            await self.close()
        if self._streams is None:
            try:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            except ConnectionRefusedError as error:
                raise Refused from error
        return self._streams

    async def _read(self, reader: asyncio.StreamReader) -> int:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        if b"connection: close" in head:
            await self.close()
        return int(head[9:12])

    async def close(self) -> None:
        if self._streams is not None:
            writer, self._streams = self._streams[1], None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@attrs.define
class Crowd:
    """Clients of every kind, until they are told to stop."""

    port: int
    requests: Requests
    tally: Tally = attrs.field(factory=Tally)
    stopped: bool = False
    may_send: asyncio.Event = attrs.field(factory=asyncio.Event)
    """Cleared while everybody has to wait with the next request."""

    def __attrs_post_init__(self) -> None:
        self.may_send.set()

    async def client(self, make: Callable[[], Exchange], pauses: Iterator[float], *, keeps: bool = True) -> None:
        """One client: a request, a pause, the next one, on the same connection unless it doesn't `keep` it."""
        connection = Connection(self.port)
        while not self.stopped:
            await self.may_send.wait()
            await self._exchange(connection, make())
            if not keeps:
                await connection.close()
            await asyncio.sleep(next(pauses))
        await connection.close()

    async def once(self, exchange: Exchange) -> None:
        """One request on a connection of its own."""
        connection = Connection(self.port)
        await self._exchange(connection, exchange)
        await connection.close()

    async def _exchange(self, connection: Connection, exchange: Exchange) -> None:
        try:
            status = await connection.send(exchange)
        except Refused:
            self.tally.refused += 1
            await asyncio.sleep(0.01)
        except (OSError, TimeoutError) as error:
            self.tally.failed(f"{type(error).__name__}: {error}")
            await connection.close()
        else:
            self.tally.answered += 1
            self.tally.statuses[status] += 1
            if status not in (exchange.status, exchange.other_status):
                self.tally.failed(f"{status} in place of {exchange.status}")


def pausing(least: float, most: float) -> Iterator[float]:
    """Random pauses (seconds)."""
    while True:
        yield random.uniform(least, most)
