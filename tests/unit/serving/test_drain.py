"""Connections at the end of a server: real sockets, two servers in one process where one hands over to the other."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
from aiohttp import web

from app.entrypoints.http.response import EncodedResponse
from app.entrypoints.http.server import EnvelopeRunner, EnvelopeServer, ServerLimits
from app.entrypoints.serving.drain import Drain, DrainLimits
from app.entrypoints.serving.handover import Handover

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@attrs.frozen
class Served:
    """A server that answers with its name, once it may."""

    server: EnvelopeServer
    port: int
    may_answer: asyncio.Event

    def drain(self, give: "Handover | None" = None, *, idle: float = 30.0, total: float = 30.0) -> "asyncio.Task[bool]":
        drain = Drain(self.server, DrainLimits(idle, total))
        return asyncio.create_task(drain.run((lambda fd: give.give("public", fd)) if give else None))


@asynccontextmanager
async def serving(name: str) -> AsyncIterator[Served]:
    may_answer = asyncio.Event()
    may_answer.set()

    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        await may_answer.wait()
        if request.path == "/plain":
            return web.Response(text=name)
        return EncodedResponse(200, name.encode() + body)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = EnvelopeRunner(app, ServerLimits(shutdown_timeout=0.1))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Served(runner.envelope_server, runner.addresses[0][1], may_answer)
    finally:
        await runner.cleanup()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> bytes:
        """The head and the body of the answer, in lower case; empty when the connection was closed."""
        self.writer.write(data)
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return head + (await self.reader.readexactly(length)).lower()

    async def is_closed(self) -> bool:
        async with asyncio.timeout(10):
            return await self.reader.read(1) == b""


@asynccontextmanager
async def connected(served: Served, first: bytes = GET) -> AsyncIterator[Client]:
    """A client that has got one answer already."""
    client = Client(*await asyncio.open_connection("127.0.0.1", served.port))
    try:
        if first:
            assert b"connection: close" not in await client.send(first)
        yield client
    finally:
        client.writer.close()


async def look() -> None:
    """Let the drain look at the connections a few times."""
    await asyncio.sleep(0.2)


@pytest.mark.parametrize("path", [b"/", b"/plain"])
async def test_an_idle_connection_is_answered_once_more_and_told_to_close(path: bytes) -> None:
    async with serving("one") as one, connected(one) as client:
        drain = one.drain()
        await look()
        answer = await client.send(GET.replace(b"/", path, 1))
        assert b"connection: close" in answer
        assert answer.endswith(b"one")
        assert await client.is_closed()
        assert await drain


async def test_a_running_request_is_answered_and_told_to_close() -> None:
    async with serving("one") as one, connected(one) as client:
        one.may_answer.clear()
        answering = asyncio.create_task(client.send(GET))
        await look()
        drain = one.drain(idle=0.0)
        await look()
        assert not drain.done()
        one.may_answer.set()
        assert b"connection: close" in await answering
        assert await drain


async def test_a_connection_that_stays_idle_is_closed_in_the_end() -> None:
    async with serving("one") as one, connected(one) as client:
        assert await one.drain(idle=0.1)
        assert await client.is_closed()


async def test_a_request_that_has_arrived_unread_is_answered_though_its_time_was_over() -> None:
    async with serving("one") as one:
        drain = Drain(one.server, DrainLimits(idle=0.0, total=30.0))
        with socket.create_connection(("127.0.0.1", one.port)) as client:
            await look()
            client.sendall(GET)
            # No chance for the server to read it before it looks at its connections for the first time.
            assert await drain.run(None)
            assert client.recv(1000).endswith(b"one")


async def test_a_request_of_which_a_part_has_come_is_waited_for() -> None:
    async with serving("one") as one, connected(one) as client:
        client.writer.write(GET[:10])
        await look()
        drain = one.drain(idle=0.0)
        await look()
        assert b"connection: close" in await client.send(GET[10:])
        assert await drain


async def test_what_does_not_end_in_time_is_told() -> None:
    async with serving("one") as one, connected(one, GET) as client:
        client.writer.write(GET[:10])
        await look()
        assert not await one.drain(total=0.1)


async def test_requests_sent_together_are_all_answered() -> None:
    async with serving("one") as one, connected(one) as client:
        one.may_answer.clear()
        client.writer.write(GET * 2)
        await look()
        drain = one.drain()
        one.may_answer.set()
        assert b"connection: close" not in await client.send(b"")
        assert b"connection: close" in await client.send(b"")
        assert await drain


@asynccontextmanager
async def taking(served: Served) -> AsyncIterator[Handover]:
    """A queue of connections that `served` takes."""
    handover, loop = Handover.make(), asyncio.get_running_loop()
    tasks: list[asyncio.Task[object]] = []

    def take(part: str, connection: socket.socket) -> None:
        connection.setblocking(False)
        tasks.append(asyncio.ensure_future(loop.connect_accepted_socket(served.server, connection)))

    handover.start_taking(take)
    yield handover
    handover.stop_taking()
    handover.close()
    await asyncio.gather(*tasks)


async def test_an_idle_connection_goes_on_with_the_next_server() -> None:
    async with serving("one") as one, serving("two") as two, taking(two) as queue, connected(one) as client:
        assert await one.drain(queue)
        answer = await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n-BODY")
        assert answer.endswith(b"two-body")
        assert b"connection: close" not in answer


async def test_what_is_sent_between_two_servers_is_not_lost() -> None:
    async with serving("one") as one, serving("two") as two, connected(one) as client:
        queue = Handover.make()
        assert await one.drain(queue)
        answering = asyncio.create_task(client.send(GET))
        await look()
        part, descriptors, _, _ = socket.recv_fds(queue.taking, 64, 1)
        queue.close()
        assert part == b"public"
        connection = socket.socket(fileno=descriptors[0])
        connection.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(two.server, connection)
        assert (await answering).endswith(b"two")


async def test_a_connection_with_a_part_of_a_request_is_not_handed_over() -> None:
    async with serving("one") as one, serving("two") as two, taking(two) as queue, connected(one) as client:
        client.writer.write(GET[:10])
        await look()
        drain = one.drain(queue)
        await look()
        assert (await client.send(GET[10:])).endswith(b"one")
        assert await drain


async def test_a_part_that_came_with_the_request_before_it_is_refused_not_misread() -> None:
    async with (
        serving("one") as one,
        serving("two") as two,
        taking(two) as queue,
        connected(one, GET + GET[:10]) as client,
    ):
        assert await one.drain(queue)
        assert (await client.send(b"")).startswith(b"http/1.1 408")
        assert await client.is_closed()


async def test_more_connections_than_the_queue_takes_at_once_are_all_handed_over() -> None:
    async with serving("one") as one, serving("two") as two, taking(two) as queue:
        clients = [Client(*await asyncio.open_connection("127.0.0.1", one.port)) for _ in range(600)]
        await asyncio.gather(*(client.send(GET) for client in clients))
        assert await one.drain(queue)
        answers = await asyncio.gather(*(client.send(GET) for client in clients))
        assert {answer[-3:] for answer in answers} == {b"two"}
        for client in clients:
            client.writer.close()


async def test_when_nobody_takes_connections_they_stay() -> None:
    async with serving("one") as one, connected(one) as client:
        queue = Handover.make()
        queue.refuses = True
        drain = one.drain(queue)
        await look()
        assert b"connection: close" in await client.send(GET)
        assert await drain
        queue.close()
