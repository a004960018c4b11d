"""What a parent and its worker say to each other: one JSON object a line, over a pair of sockets."""

import asyncio
import enum
import socket
from typing import TypeVar

import msgspec

LIMIT = 2**24
"""Bytes of one message: a snapshot of metrics is the longest."""


class Reason(enum.StrEnum):
    """Why a worker leaves: the service stops, somebody at the keyboard stops it, or another worker takes its place."""

    STOP = "stop"
    INTERRUPTED = "interrupted"
    REPLACED = "replaced"


Sample = tuple[str, dict[str, str], float]
"""The name of a series, its labels, and its value."""


class Family(msgspec.Struct, frozen=True):
    """One metric with all its series. `kind` is Prometheus' name of its type."""

    name: str
    documentation: str
    kind: str
    samples: list[Sample]


class Ready(msgspec.Struct, tag="ready"):
    """From a worker: it serves."""


class Leave(msgspec.Struct, tag="leave"):
    """To a worker: answer what you have, and end."""

    reason: Reason


class AskSnapshot(msgspec.Struct, tag="ask snapshot"):
    """To a worker: tell your metrics."""


class Snapshot(msgspec.Struct, tag="snapshot"):
    """From a worker: its metrics as they are now."""

    families: list[Family]


class Report(msgspec.Struct, tag="report"):
    """From a worker, unasked and regularly: its metrics, so that little is lost when it is killed."""

    families: list[Family]


class AskMetrics(msgspec.Struct, tag="ask metrics"):
    """From a worker: somebody wants to read the metrics of all workers. The answer has the same number."""

    number: int


class Metrics(msgspec.Struct, tag="metrics"):
    """To a worker: the metrics of all workers, added up, as Prometheus reads them."""

    number: int
    text: str


FromWorker = Ready | Snapshot | Report | AskMetrics
ToWorker = Leave | AskSnapshot | Metrics
Heard = TypeVar("Heard")

FROM_WORKER: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)
TO_WORKER: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)


class Link:
    """One end of the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> "Link":
        """The link over one of a pair of sockets."""
        return cls(*await asyncio.open_unix_connection(sock=sock, limit=LIMIT))

    def send(self, message: FromWorker | ToWorker) -> None:
        """Send it as soon as can be; if the other side is gone, nobody misses it."""
        if not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(message) + b"\n")

    async def receive(self, decoder: "msgspec.json.Decoder[Heard]") -> Heard | None:
        """The next message, or None when the other side is gone."""
        try:
            line = await self._reader.readline()
        except (ConnectionError, ValueError):  # ValueError: longer than LIMIT
            return None
        return decoder.decode(line) if line.endswith(b"\n") else None

    async def flush(self) -> None:
        """Return when what was sent is on its way, or can't be sent any more."""
        try:
            await self._writer.drain()
        except ConnectionError:
            return

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
