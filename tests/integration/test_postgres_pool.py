"""A pool of PostgreSQL connections: what is lent is clean, every wait has an end, and nothing runs on unwatched."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from app.adapters.postgres.pool import PostgresPool
from app.adapters.storage_errors import StorageTimeout
from app.domain.errors import DeadlinePassed, TransactionAborted, Unavailable
from tests.postgres_databases import connected, emptied, opened
from tests.requests import in_a_request

SLEEP = "SELECT pg_sleep(30)"
PID = "SELECT pg_backend_pid()"


@pytest.fixture
def dsn(postgres_database: str) -> str:
    emptied(postgres_database)
    return postgres_database


def sleeping(dsn: str) -> int:
    """How many sleeps run at the server."""
    with connected(dsn) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' "
            "AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
        ).fetchone()
    return int(row[0]) if row else 0


def states(dsn: str) -> list[str]:
    """What the sessions of others are doing."""
    with connected(dsn) as connection:
        rows = connection.execute(
            "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [row[0] for row in rows]


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("It never happened.")


async def pid_of(pool: PostgresPool) -> int:
    return int((await pool.fetch(PID))[0][0])


async def cancelled(running: Awaitable[object], dsn: str) -> None:
    """Start it, and cancel it once the server sleeps."""
    task = asyncio.ensure_future(running)
    await until(lambda: sleeping(dsn) == 1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_a_cancelled_call_is_stopped_at_the_server_and_its_connection_used_again(dsn: str) -> None:
    async with opened(dsn, max_size=1) as pool:
        before = await pid_of(pool)
        await cancelled(pool.fetch(SLEEP), dsn)
        assert await pid_of(pool) == before
        assert sleeping(dsn) == 0
        assert (pool.usage().size, pool.usage().in_use) == (1, 0)


async def test_a_unit_cancelled_in_a_statement_is_rolled_back_and_its_connection_used_again(dsn: str) -> None:
    async def unit(pool: PostgresPool) -> None:
        async with pool.transaction() as transaction:
            await transaction.write(
                "INSERT INTO posts (title, content, additional_data, created_at, version) "
                "VALUES ('Lost', '', '{}', now(), 1)"
            )
            await transaction.read(SLEEP)

    async with opened(dsn, max_size=1) as pool:
        before = await pid_of(pool)
        await cancelled(unit(pool), dsn)
        assert (await pool.fetch("SELECT count(*) FROM posts"))[0][0] == 0
        assert states(dsn) == ["idle"]
        assert await pid_of(pool) == before


async def test_a_call_that_takes_too_long_is_stopped_at_the_server(dsn: str) -> None:
    async with opened(dsn, timeout=0.2) as pool:
        with pytest.raises(StorageTimeout):
            await pool.fetch(SLEEP)
        await until(lambda: sleeping(dsn) == 0)


async def test_a_call_has_no_more_time_than_its_request(dsn: str) -> None:
    async with opened(dsn) as pool:
        with in_a_request(0.2), pytest.raises(DeadlinePassed):
            await pool.fetch(SLEEP)
        with in_a_request(-1), pytest.raises(DeadlinePassed):
            await pool.fetch("SELECT 1")
        assert await pid_of(pool)


async def test_the_server_ends_a_long_statement_by_itself(dsn: str) -> None:
    async with opened(dsn, statement_timeout=0.2, timeout=60) as pool:
        with pytest.raises(StorageTimeout):
            await pool.fetch(SLEEP)


async def test_the_server_ends_a_transaction_that_idles(dsn: str) -> None:
    async with opened(dsn, statement_timeout=0.2) as pool:
        with pytest.raises(Unavailable):
            async with pool.transaction() as transaction:
                await transaction.read("SELECT 1")
                await until(lambda: states(dsn) == [])
                await transaction.read("SELECT 1")
        assert await pid_of(pool)


async def test_without_a_statement_timeout_the_server_is_told_none(dsn: str) -> None:
    async with opened(dsn, statement_timeout=0) as pool:
        rows = await pool.fetch("SELECT source FROM pg_settings WHERE name = 'statement_timeout'")
        assert rows[0][0] == "default"


async def test_who_finds_no_free_connection_waits_for_a_while(dsn: str) -> None:
    async with opened(dsn, max_size=1, acquire_timeout=0.2) as pool:
        async with pool.transaction():
            waiter = asyncio.create_task(pool.fetch("SELECT 1"))
            await asyncio.sleep(0.05)
            assert (pool.usage().size, pool.usage().in_use, pool.usage().waiting) == (1, 1, 1)
            with pytest.raises(StorageTimeout):
                await waiter
        assert pool.usage().waiting == 0
        assert await pid_of(pool)


async def test_who_waits_is_served_when_the_holder_is_cancelled(dsn: str) -> None:
    async with opened(dsn, max_size=1, acquire_timeout=10) as pool:
        holder = asyncio.create_task(pool.fetch(SLEEP))
        await until(lambda: sleeping(dsn) == 1)
        waiters = [asyncio.create_task(pool.fetch("SELECT 1")) for _ in range(5)]
        await asyncio.sleep(0)
        holder.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*waiters)


async def test_callers_that_are_cancelled_at_any_point_leave_the_pool_whole(dsn: str) -> None:
    async with opened(dsn, max_size=3) as pool:

        async def unit() -> None:
            async with pool.transaction() as transaction:
                await transaction.read("SELECT 1")
            await pool.fetch("SELECT 2")

        for round_ in range(60):
            tasks = [asyncio.create_task(unit()) for _ in range(6)]
            await asyncio.sleep(round_ * 0.0002)
            for task in tasks[::2]:
                task.cancel()
            await asyncio.wait(tasks)
        await until(lambda: pool.usage().in_use == 0)
        assert pool.usage().size <= 3
        await asyncio.gather(*(pool.fetch("SELECT 1") for _ in range(9)))


async def test_a_transaction_left_open_is_seen_when_its_connection_comes_back(dsn: str) -> None:
    async with opened(dsn, max_size=1) as pool:
        before = await pid_of(pool)
        connection = await pool._connections.take()
        await connection.execute("BEGIN")
        pool._connections.give_back(connection)
        assert await pid_of(pool) == before
        assert states(dsn) == ["idle"]


STATEFUL = [
    "SET search_path = pg_catalog",
    "SET LOCAL work_mem = '1MB'",
    "RESET ALL",
    "LISTEN somebody",
    "PREPARE p AS SELECT 1",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    "CREATE TEMP TABLE t (id int)",
    "BEGIN",
    "COMMIT",
    "LOCK TABLE posts",
    "/* a comment */ SET x = 1",
    "SELECT set_config('search_path', 'pg_catalog', false)",
    "SELECT pg_advisory_lock(1)",
    "select pg_try_advisory_lock_shared(1)",
    "SELECT 1 INTO TEMPORARY t",
]


@pytest.mark.parametrize("sql", STATEFUL)
async def test_what_would_change_a_session_goes_through_no_pool(dsn: str, sql: str) -> None:
    async with opened(dsn) as pool:
        with pytest.raises(ValueError, match="pooled session"):
            await pool.fetch(sql)
        with pytest.raises(ValueError, match="pooled session"):
            async with pool.transaction() as transaction:
                await transaction.write(sql)


async def test_two_statements_in_one_are_refused_by_the_server(dsn: str) -> None:
    async with opened(dsn) as pool:
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await pool.fetch("SELECT 1; SET search_path = pg_catalog")


async def test_locks_of_a_transaction_may_be_taken(dsn: str) -> None:
    async with opened(dsn) as pool, pool.transaction() as transaction:
        await transaction.read("SELECT pg_advisory_xact_lock(1)")


async def test_a_unit_in_which_something_failed_never_counts_as_committed(dsn: str) -> None:
    async with opened(dsn) as pool:
        with pytest.raises(TransactionAborted):
            async with pool.transaction() as transaction:
                with pytest.raises(asyncpg.DivisionByZeroError):
                    await transaction.read("SELECT 1 / 0")


async def test_a_deadlock_ends_one_of_the_two(dsn: str) -> None:
    async with opened(dsn) as pool:
        await pool.fetch(
            "INSERT INTO posts (title, content, additional_data, created_at, version) "
            "SELECT 'Post ' || n, '', '{}', now(), 1 FROM generate_series(1, 2) n"
        )
        both = asyncio.Barrier(2)

        async def unit(first: int, second: int) -> None:
            async with pool.transaction() as transaction:
                await transaction.write("UPDATE posts SET version = 2 WHERE id = $1", (first,))
                await both.wait()
                await transaction.write("UPDATE posts SET version = 2 WHERE id = $1", (second,))

        outcomes = await asyncio.gather(unit(1, 2), unit(2, 1), return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "TransactionAborted"]


async def test_an_error_that_is_not_known_tells_no_values_of_the_row(dsn: str) -> None:
    async with opened(dsn) as pool:
        with pytest.raises(asyncpg.NotNullViolationError) as refused:
            await pool.fetch("INSERT INTO posts (title, content) VALUES ('canary', 'canary')")
        assert "canary" not in str(refused.value)


async def terminate(dsn: str, pid: int) -> None:
    with connected(dsn) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


async def test_a_back_end_that_is_killed_at_work_means_unavailable_and_no_more(dsn: str) -> None:
    async with opened(dsn, max_size=1) as pool:
        pid = await pid_of(pool)
        call = asyncio.create_task(pool.fetch(SLEEP))
        await until(lambda: sleeping(dsn) == 1)
        await terminate(dsn, pid)
        with pytest.raises(Unavailable):
            await call
        assert await pid_of(pool) != pid


async def test_a_back_end_that_is_killed_in_a_unit_means_unavailable_and_no_more(dsn: str) -> None:
    async with opened(dsn, max_size=1) as pool:
        with pytest.raises(Unavailable):
            async with pool.transaction() as transaction:
                await terminate(dsn, (await transaction.read(PID))[0][0])
                await asyncio.sleep(0.1)
                await transaction.read("SELECT 1")
        assert await pid_of(pool)


async def test_a_back_end_that_is_killed_when_idle_is_replaced_unnoticed(dsn: str) -> None:
    async with opened(dsn, max_size=1) as pool:
        pid = await pid_of(pool)
        await terminate(dsn, pid)
        await asyncio.sleep(0.1)
        assert await pid_of(pool) != pid


@pytest.mark.parametrize(("size", "kept"), [(0, False), (100, True)])
async def test_statements_are_kept_prepared_unless_a_pgbouncer_forbids_it(dsn: str, size: int, *, kept: bool) -> None:
    async with opened(dsn, max_size=1, statement_cache_size=size) as pool:
        for _ in range(3):
            await pool.fetch("SELECT id FROM posts WHERE title = $1", ("A title",))
        rows = await pool.fetch("SELECT 1 FROM pg_prepared_statements WHERE statement LIKE 'SELECT id%'")
        assert bool(rows) is kept


async def test_connections_that_idle_are_closed_down_to_the_least_size(dsn: str) -> None:
    async with opened(dsn, min_size=2, max_size=6, idle_timeout=0.2) as pool:
        await asyncio.gather(*(pool.fetch("SELECT pg_sleep(0.05)") for _ in range(6)))
        assert pool.usage().size == 6
        await asyncio.sleep(0.3)
        for _ in range(10):
            await pool.fetch("SELECT 1")
        assert pool.usage().size == 2
        await until(lambda: len(states(dsn)) == 2)


async def test_the_least_size_is_there_when_the_pool_is_open(dsn: str) -> None:
    async with opened(dsn, min_size=3) as pool:
        assert (pool.usage().size, len(states(dsn))) == (3, 3)


async def test_a_pool_that_is_closed_leaves_nothing_at_the_server(dsn: str) -> None:
    async with opened(dsn) as pool:
        running = asyncio.create_task(pool.fetch(SLEEP))
        await until(lambda: sleeping(dsn) == 1)
        await pool.fetch("SELECT 1")
        await pool.close()
        with pytest.raises(Unavailable):
            await running
        with pytest.raises(Unavailable):
            await pool.fetch("SELECT 1")
        await pool.close()
        assert pool.usage().size == 0
        await pool.open()
        assert await pid_of(pool)
