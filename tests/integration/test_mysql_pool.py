"""What aiomysql lacks, and our guard of it makes good: on a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from app.adapters.mysql.pool import MysqlPool
from app.adapters.storage_errors import StorageTimeout
from app.domain.errors import Unavailable
from tests.mysql_databases import a_pool, execute, pool_settings

HANG = 10
"""Seconds after which something that should end is taken to hang."""


def statements_running(dsn: str, part: str) -> int:
    """How many statements that hold this text run on the server."""
    return sum(part in (info or "") for (info,) in execute(dsn, "SELECT info FROM information_schema.processlist"))


async def until_running(dsn: str, part: str, count: int) -> None:
    async with asyncio.timeout(HANG):
        while await asyncio.to_thread(statements_running, dsn, part) != count:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)


BUSY = "SELECT benchmark(1000000000000, sha2('x', 512))"
"""Unlike a sleep, this doesn't look whether its client is still there."""


async def sleep_on(pool: MysqlPool, seconds: float) -> None:
    await pool.read("SELECT sleep(%s)", (seconds,))


async def test_a_waiter_gets_its_turn_when_the_holder_is_cancelled_in_a_query(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, max_size=1) as pool, asyncio.timeout(HANG):
        holder = asyncio.create_task(sleep_on(pool, 30))
        await until_running(mysql_dsn, "sleep", 1)
        waiter = asyncio.create_task(pool.read("SELECT 1"))
        await asyncio.sleep(0)
        assert pool.usage().waiting == 1
        holder.cancel()
        assert await waiter == ((1,),)
        assert pool.usage().waiting == 0


async def test_a_cancelled_query_ends_at_the_server(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, statement_timeout=60) as pool:
        task = asyncio.create_task(pool.read(BUSY))
        await until_running(mysql_dsn, "benchmark", 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until_running(mysql_dsn, "benchmark", 0)


async def test_a_query_that_takes_too_long_ends_at_the_server(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, statement_timeout=60) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await pool.read(BUSY)
        await until_running(mysql_dsn, "benchmark", 0)


async def test_the_transaction_of_a_cancelled_statement_lets_go_of_its_locks(mysql_dsn: str) -> None:
    execute(mysql_dsn, "INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1)")

    async def change_and_go_on() -> None:
        async with pool.transaction() as work:
            await work.write("UPDATE posts SET version = 2 WHERE id = 1")
            await work.read(BUSY)

    async with a_pool(mysql_dsn, statement_timeout=60) as pool, asyncio.timeout(HANG):
        task = asyncio.create_task(change_and_go_on())
        await until_running(mysql_dsn, "benchmark", 1)
        task.cancel()
        await pool.write("UPDATE posts SET version = version + 10 WHERE id = 1")
        assert await pool.read("SELECT version FROM posts WHERE id = 1") == ((11,),)


@asynccontextmanager
async def a_mute_server() -> AsyncIterator[int]:
    """The port of a server that accepts and never says anything."""
    writers: list[asyncio.StreamWriter] = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


async def test_a_server_that_accepts_and_never_greets_is_given_up() -> None:
    async with a_mute_server() as port, asyncio.timeout(HANG):
        pool = MysqlPool(
            "primary", pool_settings(f"mysql://a:b@127.0.0.1:{port}/c", connect_timeout=0.2, open_timeout=0.5)
        )
        with pytest.raises(Unavailable, match="APP_MYSQL__PRIMARY__DSN"):
            await pool.open()


async def test_who_connects_holds_up_nobody_else(mysql_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_pool(mysql_dsn, max_size=2) as pool, a_mute_server() as port, asyncio.timeout(HANG):
        task = asyncio.create_task(sleep_on(pool, 0.3))
        await until_running(mysql_dsn, "sleep", 1)
        mute = pool_settings(
            f"mysql://a:b@127.0.0.1:{port}/c", max_size=2, connect_timeout=HANG * 2, acquire_timeout=HANG * 2
        )
        assert pool._connections is not None
        monkeypatch.setattr(pool._connections, "_settings", mute)
        connecting = asyncio.create_task(pool.read("SELECT 1"))
        await task
        assert await pool.read("SELECT 2") == ((2,),)
        assert not connecting.done()
        connecting.cancel()
        with suppress(asyncio.CancelledError):
            await connecting


async def test_without_a_free_connection_the_wait_has_an_end(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, max_size=2, acquire_timeout=0.3, statement_timeout=60) as pool, asyncio.timeout(HANG):
        holders = [asyncio.create_task(sleep_on(pool, 60)) for _ in range(2)]
        await until_running(mysql_dsn, "sleep", 2)
        with pytest.raises(StorageTimeout):
            await pool.read("SELECT 1")
        assert (pool.usage().in_use, pool.usage().waiting) == (2, 0)
        for holder in holders:
            holder.cancel()
        assert await pool.read("SELECT 1") == ((1,),)


async def test_a_call_that_comes_too_late_reaches_no_server(mysql_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_pool(mysql_dsn) as pool:
        monkeypatch.setattr("app.adapters.mysql.connections.remaining", lambda _: 0.0)
        with pytest.raises(StorageTimeout):
            await pool.write("INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1)")
    assert execute(mysql_dsn, "SELECT count(*) FROM posts") == ((0,),)


async def test_closing_does_not_wait_for_ever_for_a_query(mysql_dsn: str) -> None:
    async with asyncio.timeout(HANG):
        async with a_pool(mysql_dsn, statement_timeout=60) as pool:
            task = asyncio.create_task(sleep_on(pool, 60))
            await until_running(mysql_dsn, "sleep", 1)
        with pytest.raises(Unavailable):
            await task
    assert pool.usage().size == 0


async def test_a_closed_pool_serves_nobody_and_can_be_opened_again(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn) as pool:
        pass
    with pytest.raises(Unavailable):
        await pool.ping()
    await pool.open()
    await pool.ping()
    await pool.close()
    await pool.close()


async def test_many_cancelled_at_any_point_leave_no_connection_behind(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, max_size=3) as pool:
        for turn in range(60):
            tasks = [asyncio.create_task(pool.read("SELECT sleep(0.005)")) for _ in range(5)]
            await asyncio.sleep(turn % 20 / 2000)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        async with asyncio.timeout(HANG):
            assert await asyncio.gather(*(pool.read("SELECT 1") for _ in range(9))) == [((1,),)] * 9
            while pool.usage().in_use:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        assert pool.usage().size <= 3
        await until_running(mysql_dsn, "sleep", 0)
