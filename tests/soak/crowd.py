"""Who comes to a soak: clients that use the service well, that use it badly, and that break off."""

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress

import attrs

from tests.commands import token_of
from tests.e2e.workers import port_of
from tests.processes import Service
from tests.unforgiving import Crowd, Exchange, Requests

POSTS = "/api/v1/posts"
TAKEN = json.dumps({"title": "Taken", "content": "x"}).encode()


def message(line: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """A request as bytes; `length` is what it says of its body, where that is not true."""
    size = len(body) if length is None else length
    lines = (f"{line} HTTP/1.1", "Host: a", "Content-Type: application/json", f"Content-Length: {size}", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


class Failures:
    """Every kind of request that is refused, one after the other; the first post, called "Taken", has to be there."""

    def __init__(self, token: str) -> None:
        login = f"Authorization: Bearer {token}"
        one, publish, edit = f"{POSTS}/1", f"POST {POSTS}", f"PUT {POSTS}/1"
        late = "X-Request-Timeout: 0.000001"
        self.kinds = (
            Exchange((message(publish, b'{"title":', login),), 400),
            Exchange((message(publish, b'{"title": 1}', login),), 422),
            Exchange((message(publish, TAKEN),), 401),
            Exchange((message(publish, TAKEN, login[:-4] + "AAAA"),), 401),
            Exchange((message(f"GET {POSTS}/999999999"),), 404),
            Exchange((message("GET /nowhere"),), 404),
            Exchange((message(f"PATCH {one}"),), 405),
            Exchange((message(publish, TAKEN, login),), 409),
            Exchange((message(edit, TAKEN, login, 'If-Match: "0"'),), 412),
            Exchange((message(publish, b"", login, length=3_000_000),), 413),
            Exchange((message(publish, TAKEN, login).replace(b"application/json", b"text/plain"),), 415),
            Exchange((message(edit, TAKEN, login),), 428),
            Exchange((message(f"GET {POSTS}", b"", late),), 503, other_status=504),
            Exchange((b"NONSENSE\r\n\r\n",), 400),
        )
        self.next: Callable[[], Exchange] = itertools.cycle(self.kinds).__next__
        self.unfinished = message(publish, b"{", login, length=30)

    def slow(self) -> Exchange:
        """A body that doesn't come."""
        return Exchange((self.unfinished,), 408)


class Uses(Requests):
    """What the service is there for: reads of one post and of a page, a few writes, most of them of what is there.

    Were every write a new post, the storage's own cache would grow with its data all the time.
    """

    def edit(self) -> Exchange:
        login = f"Authorization: Bearer {self._token}"
        return Exchange((message(f"PUT {POSTS}/1", TAKEN, login, "If-Match: *"),), 200)

    def one(self) -> Exchange:
        return Exchange((b"GET /api/v1/posts/1 HTTP/1.1\r\nHost: a\r\n\r\n",), 200)

    def any(self) -> Exchange:
        return random.choices((self.one, self.get, self.edit, self.post), (60, 30, 9, 1))[0]()


@attrs.define
class Comers:
    """A crowd at work, and how many connections of it were broken off."""

    crowd: Crowd
    failures: Failures
    broken: int = 0
    pace: float = 1.0
    """How many times as long everybody pauses."""
    tasks: list["asyncio.Task[None]"] = attrs.Factory(list)

    @classmethod
    async def start(cls, running: Service) -> "Comers":
        """Make the post that failures are about, send one of each kind, and let everybody come."""
        token, port = await asyncio.to_thread(token_of, running), port_of(running)
        uses, comers = Uses(token), cls(Crowd(port, Requests(token)), Failures(token))
        first = Exchange((message(f"POST {POSTS}", TAKEN, f"Authorization: Bearer {token}"),), 201)
        for exchange in (first, *comers.failures.kinds, comers.failures.slow()):
            await comers.crowd.once(exchange)
        comers.tasks = [asyncio.create_task(each) for each in comers._clients(uses)]
        return comers

    def _clients(self, uses: Uses) -> list[Coroutine[None, None, None]]:
        client, pausing, failures = self.crowd.client, self._pausing, self.failures
        return [
            *(client(uses.any, pausing(0, 0.01)) for _ in range(16)),
            *(client(uses.any, pausing(0, 0.02), keeps=False) for _ in range(8)),
            *(client(uses.slow, pausing(0, 0.1)) for _ in range(4)),
            *(client(uses.post, pausing(0.2, 2)) for _ in range(30)),
            *(client(uses.post, pausing(2, 12)) for _ in range(60)),
            *(client(failures.next, pausing(0, 0.05)) for _ in range(8)),
            *(client(failures.slow, pausing(0, 0.2)) for _ in range(4)),
            *(self._breaks_off() for _ in range(2)),
        ]

    def _pausing(self, least: float, most: float) -> Iterator[float]:
        """Random pauses (seconds)."""
        while True:
            yield self.pace * random.uniform(least, most)

    @property
    def failing(self) -> int:
        """The requests that were refused as they should be, and those that were broken off."""
        return self.broken + sum(count for status, count in self.crowd.tally.statuses.items() if status >= 400)

    async def _breaks_off(self) -> None:
        """Leave in the middle of a head, in the middle of a body, and before the answer."""
        whole, pauses = message("GET /api/v1/posts?limit=100"), self._pausing(0, 0.1)
        for data in itertools.cycle((whole[:20], self.failures.unfinished, whole)):
            if self.crowd.stopped:
                return
            await self.crowd.may_send.wait()
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.crowd.port)
                writer.write(data)
                await asyncio.sleep(random.uniform(0, 0.01))
                writer.transport.abort()
                self.broken += 1
            await asyncio.sleep(next(pauses))

    async def leave(self) -> None:
        """Let everybody come to an end; those that would sleep for up to a minute are woken."""
        self.crowd.stopped = True
        _, late = await asyncio.wait(self.tasks, timeout=5)
        for task in late:
            task.cancel()
