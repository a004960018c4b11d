"""An upstream that does to every request what it is told to, and remembers what it was asked."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs
from aiohttp import web

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]

GIB = 2**30


@attrs.define
class FaultyUpstream:
    """`answer` is what happens next; `requests` is what came, oldest first."""

    url: str
    answer: Fault
    requests: list[web.Request] = attrs.field(factory=list)
    peers: list[object] = attrs.field(factory=list)
    _came: asyncio.Condition = attrs.field(factory=asyncio.Condition)

    @property
    def attempts(self) -> int:
        return len(self.requests)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Remember a request, with the connection it came on, and answer it."""
        await request.read()
        self.requests.append(request)
        self.peers.append(request.transport.get_extra_info("peername") if request.transport else None)
        async with self._came:
            self._came.notify_all()
        return await self.answer(request)

    async def asked(self, times: int) -> None:
        """Return when that many requests have come."""
        async with self._came, asyncio.timeout(10):
            await self._came.wait_for(lambda: self.attempts >= times)


@asynccontextmanager
async def faulty_upstream(answer: Fault | None = None) -> AsyncIterator[FaultyUpstream]:
    """An aiohttp server on a port of its own."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await upstream.take(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    upstream = FaultyUpstream(f"http://127.0.0.1:{runner.addresses[0][1]}", answer or json({"name": "well"}))
    try:
        yield upstream
    finally:
        await runner.cleanup()


def json(content: object, status: int = 200, **headers: str) -> Fault:
    """A proper answer, or an error in JSON. `Retry_After` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(content, status=status, headers=named)

    return answer


def text(content: bytes | str, content_type: str = "application/json", **headers: str) -> Fault:
    """A 200 with this body, whatever it is."""

    async def answer(_: web.Request) -> web.StreamResponse:
        body = content.encode() if isinstance(content, str) else content
        return web.Response(body=body, headers={"Content-Type": content_type, **headers})

    return answer


def one_after_the_other(*faults: Fault) -> Fault:
    """The first answer to the first request, and so on; the last one to all that follow."""
    left = list(faults)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


def slow(seconds: float) -> Fault:
    """Silence for a while."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.json_response({"name": "slow"})

    return answer


def redirect(location: str, status: int = 302) -> Fault:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": location})

    return answer


async def reset(request: web.Request) -> web.StreamResponse:
    """Break the connection before any answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def half(request: web.Request) -> web.StreamResponse:
    """Promise more than comes, and hang up."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"name": "')
    if request.transport is not None:
        request.transport.close()
    return response


async def dribbling(request: web.Request) -> web.StreamResponse:
    """A body that never ends, a byte at a time."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(1000):
        await response.write(b" ")
        await asyncio.sleep(0.02)
    return response


def huge(size: int = GIB, *, says_so: bool = False) -> Fault:
    """A body of `size` bytes, as fast as it goes, announced or not."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        if says_so:
            response.content_length = size
        await response.prepare(request)
        chunk = b" " * 2**16
        for _ in range(size // len(chunk)):
            await response.write(chunk)
        return response

    return answer


def bomb(size: int = 2**26) -> Fault:
    """A small body that unpacks to `size` bytes."""
    return text(gzip.compress(b" " * size), **{"Content-Encoding": "gzip"})
