"""Deadlines, load shedding, and clients that are slow on purpose."""

import asyncio
import socket
from pathlib import Path

import pytest

from app.entrypoints.http.admission import Admission
from app.entrypoints.http.body import BodyLimits
from app.entrypoints.http.server import ServerLimits
from tests.e2e.service import running_on_sqlite
from tests.e2e.stand_in import rest_of, stand_in, until

HEAD = b"GET /health HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize("asked", ["0.25", "2", "1.5"])
async def test_a_shorter_deadline_of_the_caller_is_honoured(asked: str) -> None:
    async with stand_in(request_timeout=5.0) as service:
        answer = await service.client.get("/time", headers={"X-Request-Timeout": asked})
        assert float(asked) - 0.2 <= answer.json["result"] <= float(asked)


@pytest.mark.parametrize("asked", ["5.5", "999999999", "100.0"])
async def test_a_longer_one_is_not(asked: str) -> None:
    async with stand_in(request_timeout=5.0) as service:
        answer = await service.client.get("/time", headers={"X-Request-Timeout": asked})
        assert 4.5 <= answer.json["result"] <= 5.0


@pytest.mark.parametrize("asked", ["", "0", "0.0", "-1", "+1", "1e3", "nan", "inf", "1,5", "2s", "9" * 400, "١"])
async def test_what_is_no_time_is_refused_and_the_header_named(asked: str) -> None:
    async with stand_in() as service:
        answer = await service.client.get("/time", headers={"X-Request-Timeout": asked})
        assert (answer.status, answer.fields) == (400, {"X-Request-Timeout": "WRONG_TIMEOUT"})


async def test_a_request_is_ended_at_the_deadline_of_its_caller() -> None:
    async with stand_in() as service:
        service.handlers.go_on.clear()
        answer = await service.client.get("/work", headers={"X-Request-Timeout": "0.1"})
        assert (answer.status, answer.code) == (504, "DEADLINE_EXCEEDED")
        assert service.handlers.at_work == 0


async def test_more_work_than_fits_is_refused_and_there_is_room_again_afterwards() -> None:
    async with stand_in(admission=Admission(3)) as service:
        client, handlers = service.client, service.handlers
        handlers.go_on.clear()
        taken = [asyncio.create_task(client.get("/work")) for _ in range(3)]
        await until(lambda: handlers.at_work == 3)
        for path in ("/work", "/time", "/closed"):
            refused = await client.get(path)
            assert (refused.status, refused.code, refused.headers["Retry-After"]) == (503, "OVERLOADED", "1")
        for path in ("/health", "/metrics"):
            assert (await client.get(path)).status == 200
        handlers.go_on.set()
        assert [(await task).status for task in taken] == [200, 200, 200]
        assert (await client.get("/work")).status == 200


async def test_a_place_comes_back_from_a_request_that_was_ended() -> None:
    async with stand_in(admission=Admission(1)) as service:
        service.handlers.go_on.clear()
        for _ in range(3):
            assert (await service.client.get("/work", headers={"X-Request-Timeout": "0.05"})).status == 504


async def test_bodies_that_are_slow_to_come_take_no_place() -> None:
    async with stand_in(admission=Admission(1)) as service:
        opened = []
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            writer.write(
                b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"
            )
            opened.append((reader, writer))
        await asyncio.sleep(0.1)
        assert (await service.client.post("/notes", {"text": "b"})).status == 201
        for reader, writer in opened:
            writer.write(b'"text": "a" }')
            assert (await reader.readline()).startswith(b"HTTP/1.1 201")
            writer.close()


async def dribble(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a byte every 50 ms, for as long as anybody listens."""
    for place in range(len(data)):
        if writer.is_closing():
            return
        writer.write(data[place : place + 1])
        await asyncio.sleep(0.05)


async def test_a_head_that_comes_byte_by_byte_is_cut_at_its_deadline() -> None:
    async with stand_in(ServerLimits(head_timeout=0.5, shutdown_timeout=1)) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        sending = asyncio.create_task(dribble(writer, HEAD + b"X: " + b"y" * 1000))
        assert await rest_of(reader, 3) == b""
        sending.cancel()
        writer.close()


async def test_so_is_a_later_head_on_the_same_connection() -> None:
    async with stand_in(ServerLimits(head_timeout=0.5, shutdown_timeout=1)) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(HEAD + b"\r\n")
        assert (await reader.read(1000)).startswith(b"HTTP/1.1 200")
        sending = asyncio.create_task(dribble(writer, HEAD + b"X: " + b"y" * 1000))
        assert await rest_of(reader, 3) == b""
        sending.cancel()
        writer.close()


async def test_a_connection_may_idle_for_longer_than_a_head_may_take() -> None:
    async with stand_in(ServerLimits(head_timeout=0.3, keepalive_timeout=30, shutdown_timeout=1)) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        for _ in range(2):
            writer.write(HEAD + b"\r\n")
            assert (await reader.read(1000)).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(1)
        writer.close()


async def test_a_request_may_take_longer_than_its_head() -> None:
    async with stand_in(ServerLimits(head_timeout=0.3, shutdown_timeout=1)) as service:
        service.handlers.go_on.clear()
        answering = asyncio.create_task(service.client.get("/work"))
        await asyncio.sleep(1)
        service.handlers.go_on.set()
        assert (await answering).status == 200


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    async with stand_in(ServerLimits(keepalive_timeout=0.5, shutdown_timeout=1)) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(HEAD + b"\r\n")
        assert (await rest_of(reader, 3)).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_body_that_comes_byte_by_byte_is_cut_at_its_deadline() -> None:
    async with stand_in(body=BodyLimits(seconds=0.4)) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(
            b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        )
        sending = asyncio.create_task(dribble(writer, b'{"text": "' + b"a" * 900))
        answer = await rest_of(reader, 6)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"Connection: close" in answer
        sending.cancel()
        writer.close()


async def test_a_slow_body_has_no_more_time_than_its_request() -> None:
    async with stand_in(body=BodyLimits(seconds=30), request_timeout=0.4) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(
            b"POST /notes HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        )
        assert (await rest_of(reader, 6)).startswith((b"HTTP/1.1 408", b"HTTP/1.1 504"))
        writer.close()


def narrow_client(port: int) -> socket.socket:
    """A connection that takes little at once."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    return client


@pytest.mark.parametrize(
    "requests",
    [
        b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n" * 100,
        b"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ],
    ids=["large", "large, then closing", "many at once", "then closing"],
)
async def test_who_asks_and_does_not_read_is_cut_at_the_deadline(requests: bytes) -> None:
    limits = ServerLimits(write_timeout=0.5, keepalive_timeout=0.2, shutdown_timeout=1)
    async with stand_in(limits) as service:
        with narrow_client(service.port) as client:
            client.sendall(requests)
            client.setblocking(False)
            await asyncio.sleep(0.2)
            assert not reset(client)
            async with asyncio.timeout(5):
                while not reset(client):  # noqa: ASYNC110 - a socket that isn't read tells nothing by itself
                    await asyncio.sleep(0.05)


def reset(client: socket.socket) -> bool:
    """Whether the server has cut the connection, found out without reading anything."""
    code = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code == 0:
        try:
            client.send(b"G")
        except (BrokenPipeError, ConnectionResetError):
            return True
        except BlockingIOError:
            return False
    return code != 0


async def test_who_reads_slowly_but_reads_gets_everything() -> None:
    async with stand_in(ServerLimits(write_timeout=10, shutdown_timeout=1)) as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port, limit=1024)
        writer.write(b"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        received = 0
        while chunk := await reader.read(40_000):
            received += len(chunk)
            await asyncio.sleep(0.01)
        assert received > 400_000
        writer.close()


async def test_a_connection_too_many_is_told_so_and_there_is_room_again_afterwards() -> None:
    async with stand_in(ServerLimits(connections=3, shutdown_timeout=1)) as service:
        opened = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(3)]
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(HEAD + b"\r\n")
        answer = await rest_of(reader, 5)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: 1\r\n" in answer
        assert b"TOO_MANY_CONNECTIONS" in answer
        for _, each in [*opened, (reader, writer)]:
            each.close()
        await asyncio.sleep(0.1)
        assert (await service.client.get("/health")).status == 200


async def test_who_is_in_a_hurry_gets_a_504_and_makes_nobody_think_that_the_storage_is_slow(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_on_sqlite(tmp_path) as client:
        answers = [await client.get("/api/v1/posts", headers={"X-Request-Timeout": "0.00001"}) for _ in range(20)]
        metrics = (await client.get("/metrics")).body.decode()
    assert {(answer.status, answer.code) for answer in answers} == {(504, "DEADLINE_EXCEEDED")}
    assert not any("Retry-After" in answer.headers for answer in answers)
    assert "A request failed" not in caplog.text
    assert 'storage_errors_total{code="STORAGE_TIMEOUT",pool="primary"} 0.0' in metrics
    assert ('storage_up{pool="primary"} 1.0' in metrics, "service_ready 1.0" in metrics) == (True, True)
