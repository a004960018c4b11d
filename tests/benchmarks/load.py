"""A load of requests over many connections, each sending the next one when the last is answered."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator

import attrs

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *([0-9]+)")


@attrs.frozen
class Measured:
    """What one load saw. Times are seconds."""

    requests: int
    seconds: float
    statuses: dict[int, int]
    times: list[float]

    def percentile(self, share: float) -> float:
        return sorted(self.times)[min(len(self.times) - 1, int(len(self.times) * share))]


class Connection(asyncio.Protocol):
    """Sends one request after the other until `end`; answers must carry a Content-Length."""

    def __init__(self, requests: Iterator[bytes], end: float, statuses: Counter[int], times: list[float]) -> None:
        self._requests, self._end, self._statuses, self._times = requests, end, statuses, times
        self._received = b""
        self._sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received = received = self._received + data if self._received else data
        head_end = received.find(b"\r\n\r\n")
        length = _LENGTH.search(received) if head_end >= 0 else None
        if length is None or len(received) < head_end + 4 + int(length[1]):
            return
        self._times.append(time.perf_counter() - self._sent_at)
        self._statuses[int(received[9:12])] += 1
        self._received = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        if self._sent_at >= self._end:
            self._transport.close()
        else:
            self._transport.write(next(self._requests))


async def load(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Measured:
    """Send `requests` for some seconds."""
    statuses: Counter[int] = Counter()
    times: list[float] = []
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(
            lambda: Connection(requests, started + seconds, statuses, times), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(protocol.done for _, protocol in opened)), seconds + 30)
    return Measured(len(times), time.perf_counter() - started, dict(statuses), times)
