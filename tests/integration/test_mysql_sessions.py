"""The sessions and transactions of MySQL or MariaDB: what each is set to, and what the server itself does for it."""

import asyncio
from contextlib import suppress

import pytest
from pymysql import err

from app.adapters.mysql.connection import Thread
from app.domain.errors import TransactionAborted, Unavailable
from tests.mysql_databases import a_connection, a_pool, execute
from tests.servers.kinds import Server

HANG = 10
"""Seconds after which something that should end is taken to hang."""


async def test_only_the_very_connection_is_killed_and_not_one_of_the_same_number(mysql_dsn: str) -> None:
    async with a_connection(mysql_dsn) as one, a_connection(mysql_dsn) as other:
        assert one.thread is not None
        await other.kill(Thread(one.thread.id, "elsewhere:1"))
        assert (await one.run("SELECT 1")).rows == ((1,),)
        await other.kill(one.thread)
        with pytest.raises(err.OperationalError):
            await one.run("SELECT 1")
        await other.kill(one.thread)


async def test_a_pooled_connection_sees_what_others_committed_meanwhile(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, max_size=1) as pool:
        assert await pool.read("SELECT count(*) FROM posts") == ((0,),)
        execute(mysql_dsn, "INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1)")
        assert await pool.read("SELECT count(*) FROM posts") == ((1,),)


async def test_a_write_of_its_own_is_committed(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn) as pool:
        await pool.write("INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1)")
    assert execute(mysql_dsn, "SELECT title FROM posts") == (("a",),)


async def test_statements_of_a_transaction_see_what_others_committed_before_them(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn) as pool, pool.transaction() as work:
        assert await work.read("SELECT count(*) FROM posts") == ((0,),)
        execute(mysql_dsn, "INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1)")
        assert await work.read("SELECT count(*) FROM posts") == ((1,),)


async def test_a_connection_idle_for_too_long_is_not_used_again(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, pool_recycle=1, max_size=1) as pool:
        first = await pool.read("SELECT connection_id()")
        assert await pool.read("SELECT connection_id()") == first
        await asyncio.sleep(1.1)
        assert await pool.read("SELECT connection_id()") != first
        assert pool.usage().size == 1


async def test_the_server_keeps_idle_connections_longer_than_the_pool_uses_them(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, pool_recycle=90_000 / 2) as pool:
        assert await pool.read("SELECT @@wait_timeout > 45000") == ((1,),)


async def test_an_idle_connection_that_the_server_closed_is_not_used_again(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, max_size=1) as pool:
        number = (await pool.read("SELECT connection_id()"))[0][0]
        execute(mysql_dsn, f"KILL {number}")
        await asyncio.sleep(0.1)
        assert (await pool.read("SELECT connection_id()"))[0][0] != number


async def test_sessions_are_strict_and_utf8_whatever_the_server_is_set_to(
    mariadb_server: Server, mysql_dsn: str
) -> None:
    (before,) = execute(mariadb_server.dsn, "SELECT @@GLOBAL.sql_mode")
    execute(mariadb_server.dsn, "SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES'")
    try:
        async with a_pool(mysql_dsn) as pool:
            with pytest.raises(err.DataError):
                await pool.write("INSERT INTO posts VALUES (1, %s, '', '{}', 0, 1)", ("x" * 101,))
            assert await pool.read("SELECT %s, @@character_set_client", ("\\'😀",)) == (("\\'😀", "utf8mb4"),)
    finally:
        execute(mariadb_server.dsn, f"SET GLOBAL sql_mode = '{before[0]}'")


async def test_one_statement_is_all_that_a_call_can_bring(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn) as pool:
        with pytest.raises(err.ProgrammingError):
            await pool.read("SELECT 1; SELECT 2")
        assert await pool.read("SELECT 3") == ((3,),)


async def test_the_server_itself_ends_a_query_that_takes_too_long(mysql_dsn: str) -> None:
    async with a_connection(mysql_dsn, statement_timeout=0.5) as connection, asyncio.timeout(HANG):
        # MySQL lets sleep() return early where MariaDB raises.
        with suppress(err.OperationalError):
            await connection.run("SELECT sleep(60)")


async def test_the_server_itself_ends_a_wait_for_a_lock(mysql_dsn: str) -> None:
    execute(mysql_dsn, "INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1)")
    async with (
        a_connection(mysql_dsn) as holder,
        a_connection(mysql_dsn, statement_timeout=1) as waiter,
        asyncio.timeout(HANG),
    ):
        await holder.run("START TRANSACTION")
        await holder.run("UPDATE posts SET version = 2 WHERE id = 1")
        with pytest.raises(err.OperationalError) as refused:
            await waiter.run("UPDATE posts SET version = 3 WHERE id = 1")
        assert refused.value.args[0] in (1205, 1969)


async def test_the_server_itself_ends_a_wait_for_a_table_that_is_being_changed(mysql_dsn: str) -> None:
    async with (
        a_connection(mysql_dsn) as holder,
        a_connection(mysql_dsn, statement_timeout=1) as waiter,
        asyncio.timeout(HANG),
    ):
        await holder.run("LOCK TABLES posts WRITE")
        with pytest.raises(err.OperationalError) as refused:
            await waiter.run("INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1)")
        assert refused.value.args[0] in (1205, 1969)


async def test_a_connection_comes_back_clean_after_a_refused_transaction(mysql_dsn: str) -> None:
    async with a_pool(mysql_dsn, max_size=1) as pool:
        with pytest.raises(ZeroDivisionError):
            async with pool.transaction() as work:
                await work.write("INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1)")
                raise ZeroDivisionError
        await pool.write("INSERT INTO posts VALUES (2, 'b', '', '{}', 0, 1)")
        assert pool.usage().size == 1
    assert execute(mysql_dsn, "SELECT id FROM posts") == ((2,),)


async def test_one_of_two_that_wait_for_each_other_is_aborted_and_may_be_repeated(mysql_dsn: str) -> None:
    execute(mysql_dsn, "INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1), (2, 'b', '', '{}', 0, 1)")
    both = asyncio.Barrier(2)

    async def unit(first: int, second: int) -> None:
        async with pool.transaction() as work:
            await work.write("UPDATE posts SET version = version + 1 WHERE id = %s", (first,))
            await both.wait()
            await work.write("UPDATE posts SET version = version + 1 WHERE id = %s", (second,))

    async with a_pool(mysql_dsn) as pool, asyncio.timeout(HANG):
        outcomes = await asyncio.gather(unit(1, 2), unit(2, 1), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {type(None), TransactionAborted}


async def test_nothing_of_an_aborted_transaction_is_stored_by_who_goes_on_with_it(mysql_dsn: str) -> None:
    execute(mysql_dsn, "INSERT INTO posts VALUES (1, 'a', '', '{}', 0, 1)")

    async def go_on() -> None:
        async with pool.transaction() as work:
            await work.write("SET innodb_lock_wait_timeout = 1")
            with suppress(Unavailable):
                await work.write("UPDATE posts SET version = 3 WHERE id = 1")
            await work.write("INSERT INTO posts VALUES (2, 'b', '', '{}', 0, 1)")

    async with a_pool(mysql_dsn, statement_timeout=HANG) as pool, a_connection(mysql_dsn) as holder:
        await holder.run("START TRANSACTION")
        await holder.run("UPDATE posts SET version = 2 WHERE id = 1")
        with pytest.raises(TransactionAborted):
            await go_on()
    assert execute(mysql_dsn, "SELECT count(*) FROM posts WHERE id = 2") == ((0,),)
