"""A load of one kind of request over many connections, each sending the next one when the last is answered."""

import asyncio
import time
from collections import Counter

import attrs


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

    def __init__(self, request: bytes, end: float, statuses: Counter[int], times: list[float]) -> None:
        self._request, self._end, self._statuses, self._times = request, end, statuses, times
        self._received = b""
        self._sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        place = self._received.find(b"Content-Length: ")
        length = int(self._received[place + 16 : self._received.index(b"\r", place)])
        if len(self._received) < head_end + 4 + length:
            return
        self._times.append(time.perf_counter() - self._sent_at)
        self._statuses[int(self._received[9:12])] += 1
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
            self._transport.write(self._request)


async def load(port: int, request: bytes, connections: int, seconds: float) -> Measured:
    """Send `request` over and over for some seconds."""
    statuses: Counter[int] = Counter()
    times: list[float] = []
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Connection(request, started + seconds, statuses, times), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(protocol.done for _, protocol in opened)), seconds + 30)
    return Measured(len(times), time.perf_counter() - started, dict(statuses), times)
