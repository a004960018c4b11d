"""A MySQL or MariaDB server that freezes, dies, or is changed under load: no call hangs, and all is well soon after."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from app.adapters.mysql.pool import MysqlPool, make_mysql_pools
from app.adapters.mysql.posts import MysqlPostRepository
from app.adapters.mysql.statements import MysqlStatements
from app.adapters.mysql.unit_of_work import MysqlTransactions
from app.context import RequestContext, current_request
from app.domain.errors import Unavailable
from app.domain.model.posts import Post, PostQuery
from app.ports.unit_of_work import Work, run_repeatable
from tests.builders import SOME_MOMENT, a_new_post
from tests.mysql_databases import a_migrated_database, a_pool, execute, pool_settings
from tests.servers.kinds import server
from tests.servers.mariadb import MARIADB
from tests.servers.process import ServerProcess

HANG = 10
"""Seconds after which something that should end is taken to hang."""


@pytest.fixture(scope="module")
def private() -> Iterator[tuple[str, ServerProcess]]:
    """A database on a server of these tests' own, and its process."""
    with server(MARIADB, private=True) as started, a_migrated_database(started.dsn) as dsn:
        assert started.process is not None
        yield dsn, started.process


async def outcome(call: Callable[[], Awaitable[object]]) -> str:
    try:
        await call()
    except Unavailable:
        return "unavailable"
    return "done"


async def in_a_request(seconds: float, call: Callable[[], Awaitable[object]]) -> str:
    """How a call ends in a request that has so much time; at the deadline itself, it is cancelled."""
    current_request.set(RequestContext("test", asyncio.get_running_loop().time() + seconds))
    return await outcome(call)


async def recovers(pool: MysqlPool) -> None:
    async with asyncio.timeout(HANG):
        while await outcome(pool.ping) != "done":  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)


async def test_a_frozen_server_lets_no_call_hang_and_serves_again_when_it_thaws(
    private: tuple[str, ServerProcess],
) -> None:
    dsn, process = private
    async with a_pool(dsn, max_size=4) as pool:
        await asyncio.gather(*(pool.ping() for _ in range(4)))
        process.freeze()
        try:
            async with asyncio.timeout(HANG):
                calls = [asyncio.create_task(in_a_request(0.5, pool.ping)) for _ in range(12)]
                assert set(await asyncio.gather(*calls)) == {"unavailable"}
        finally:
            process.thaw()
        await recovers(pool)
        async with asyncio.timeout(HANG):
            assert {await outcome(pool.ping) for _ in range(8)} == {"done"}
        assert pool.usage().size <= 4


async def test_who_begins_while_the_server_is_frozen_is_served_when_it_thaws_in_time(
    private: tuple[str, ServerProcess],
) -> None:
    dsn, process = private
    async with a_pool(dsn) as pool, asyncio.timeout(HANG):
        process.freeze()
        try:
            call = asyncio.create_task(pool.read("SELECT 1"))
            await asyncio.sleep(0.2)
        finally:
            process.thaw()
        assert await call == ((1,),)


async def test_a_killed_server_is_used_again_when_it_is_back(private: tuple[str, ServerProcess]) -> None:
    dsn, process = private
    async with a_pool(dsn, max_size=4) as pool:
        running = [asyncio.create_task(outcome(lambda: pool.read("SELECT sleep(30)"))) for _ in range(4)]
        await asyncio.sleep(0.2)
        process.kill()
        async with asyncio.timeout(HANG):
            assert await asyncio.gather(*running) == ["unavailable"] * 4
            assert await outcome(pool.ping) == "unavailable"
        process.start()
        async with asyncio.timeout(HANG):
            assert await asyncio.gather(*(outcome(pool.ping) for _ in range(8))) == ["done"] * 8


async def test_idle_connections_of_a_server_that_was_restarted_fail_nobody(private: tuple[str, ServerProcess]) -> None:
    dsn, process = private
    async with a_pool(dsn, max_size=4, min_size=4) as pool:
        await asyncio.to_thread(process.kill)
        await asyncio.to_thread(process.start)
        async with asyncio.timeout(HANG):
            assert await asyncio.gather(*(outcome(pool.ping) for _ in range(4))) == ["done"] * 4


async def test_a_pool_waits_at_start_for_a_server_that_is_still_starting(private: tuple[str, ServerProcess]) -> None:
    dsn, process = private
    process.kill()
    pool = MysqlPool("primary", pool_settings(dsn))
    opening = asyncio.create_task(pool.open())
    await asyncio.sleep(0.3)
    await asyncio.to_thread(process.start)
    try:
        async with asyncio.timeout(HANG * 2):
            await opening
        await pool.ping()
    finally:
        await pool.close()


async def test_a_replica_that_is_not_there_stops_nothing_and_is_used_once_it_is(
    private: tuple[str, ServerProcess], mysql_dsn: str
) -> None:
    dsn, process = private
    pools = make_mysql_pools({"primary": pool_settings(mysql_dsn), "replica": pool_settings(dsn)})
    posts = MysqlPostRepository(MysqlStatements(pools))
    process.kill()
    for pool in pools.all():
        await pool.open()
    try:
        await posts.add(a_new_post("on the primary"), SOME_MOMENT)
        current_request.set(RequestContext("test", asyncio.get_running_loop().time() + 60))
        assert [post.title for post in (await posts.page(PostQuery())).items] == ["on the primary"]
        await asyncio.to_thread(process.start)
        execute(dsn, "DELETE FROM posts", "INSERT INTO posts VALUES (1, 'on the replica', '', '{}', 0, 1)")
        pools._avoided_until = 0
        assert [post.title for post in (await posts.page(PostQuery())).items] == ["on the replica"]
    finally:
        for pool in pools.all():
            await pool.close()


async def test_reads_that_may_lag_go_to_the_replica_and_those_after_a_write_do_not(
    private: tuple[str, ServerProcess], mysql_dsn: str
) -> None:
    dsn, _ = private
    execute(mysql_dsn, "INSERT INTO posts VALUES (1, 'primary', '', '{}', 0, 1)")
    execute(dsn, "DELETE FROM posts", "INSERT INTO posts VALUES (1, 'replica', '', '{}', 0, 1)")
    pools = make_mysql_pools({"primary": pool_settings(mysql_dsn), "replica": pool_settings(dsn)})
    posts = MysqlPostRepository(MysqlStatements(pools))

    async def seen() -> list[str]:
        found = await posts.find(1)
        assert found is not None
        return [found.title, *(post.title for post in (await posts.page(PostQuery())).items)]

    for pool in pools.all():
        await pool.open()
    try:
        assert await seen() == ["primary", "primary"]
        current_request.set(RequestContext("test", asyncio.get_running_loop().time() + 60))
        assert await seen() == ["primary", "replica"]
        async with MysqlTransactions(pools).begin() as work:
            assert [post.title for post in (await work.posts.page(PostQuery())).items] == ["primary"]
        assert await seen() == ["primary", "primary"]
    finally:
        for pool in pools.all():
            await pool.close()


async def test_a_table_may_be_changed_under_load(mysql_dsn: str) -> None:
    pools = make_mysql_pools({"primary": pool_settings(mysql_dsn)})
    posts = MysqlPostRepository(MysqlStatements(pools))
    transactions = MysqlTransactions(pools)
    stop = asyncio.Event()

    async def load(name: str) -> int:
        count = 0

        async def unit(work: Work) -> Post:
            await work.posts.page(PostQuery(limit=1))
            return await work.posts.add(a_new_post(f"{name} {count}"), SOME_MOMENT)

        while not stop.is_set():
            # One that has read and the change of the table wait for each other: the server aborts the former.
            post = await run_repeatable(transactions, unit, attempts=20)
            assert await posts.find(post.id) == post
            count += 1
        return count

    await pools.primary.open()
    try:
        async with asyncio.timeout(HANG * 3):
            workers = [asyncio.create_task(load(f"worker {number}")) for number in range(4)]
            for _ in range(3):
                await asyncio.to_thread(execute, mysql_dsn, "ALTER TABLE posts ADD COLUMN extra INT NULL")
                await asyncio.to_thread(execute, mysql_dsn, "ALTER TABLE posts DROP COLUMN extra")
            stop.set()
            stored = sum(await asyncio.gather(*workers))
    finally:
        await pools.primary.close()
    assert execute(mysql_dsn, "SELECT count(*) FROM posts") == ((stored,),)
