"""The pool on a real file: what is cancelled, too slow, locked out or closed leaves it usable, and says so."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.adapters.sqlite.pool import SqlitePool
from app.adapters.sqlite.settings import SqliteSettings
from app.adapters.storage_errors import StorageTimeout
from app.context import RequestContext, current_request
from app.domain.errors import DeadlinePassed, TransactionAborted, Unavailable
from app.ports.health import PoolUsage

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
ENDLESS_WRITE = f"INSERT INTO numbers {ENDLESS}"


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[SqlitePool]:
    made = SqlitePool(a_file(tmp_path))
    await made.open()
    await made.write("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")
    try:
        yield made
    finally:
        await made.close()


def a_file(folder: Path, **changes: Any) -> SqliteSettings:
    given: dict[str, Any] = {
        "path": folder / "pool.db",
        "synchronous": "NORMAL",
        "readers": 2,
        "busy_timeout": 0.05,
        "timeout": 20.0,
    }
    return SqliteSettings(**(given | changes))


async def numbers(pool: SqlitePool) -> list[int]:
    return [row[0] for row in await pool.read("SELECT n FROM numbers ORDER BY n")]


async def begun(pool: SqlitePool, call: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """A call that has its connection and runs."""
    before = pool.usage().in_use
    task = asyncio.create_task(call)
    async with asyncio.timeout(5):
        while pool.usage().in_use == before:
            await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    return task


def within(seconds: float) -> None:
    """From here on the calls are those of a request with that much time left."""
    current_request.set(RequestContext("id", asyncio.get_running_loop().time() + seconds))


async def test_making_one_touches_nothing(tmp_path: Path) -> None:
    pool = SqlitePool(a_file(tmp_path))
    assert not a_file(tmp_path).path.exists()
    with pytest.raises(Unavailable, match="not open"):
        await pool.ping()


async def test_its_connections_keep_what_was_promised(pool: SqlitePool) -> None:
    pragmas = {"journal_mode": "wal", "foreign_keys": 1, "query_only": 1, "busy_timeout": 50}
    assert {name: (await pool.read(f"PRAGMA {name}"))[0][0] for name in pragmas} == pragmas
    assert (await pool.write("PRAGMA synchronous"))[0][0] == 1
    with pytest.raises(Unavailable):
        await pool.read("INSERT INTO numbers VALUES (1)")


@pytest.mark.parametrize(("query", "kind"), [(ENDLESS, "read"), (ENDLESS_WRITE, "write")])
async def test_a_cancelled_query_is_interrupted(pool: SqlitePool, query: str, kind: str) -> None:
    run: Callable[[str], Coroutine[Any, Any, Any]] = getattr(pool, kind)
    task = await begun(pool, run(query))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert pool.usage().in_use == 0
    await pool.write("INSERT INTO numbers VALUES (1)")
    assert await numbers(pool) == [1]


@pytest.mark.parametrize(("query", "kind"), [(ENDLESS, "read"), (ENDLESS_WRITE, "write")])
async def test_a_query_ends_with_its_request(pool: SqlitePool, query: str, kind: str) -> None:
    within(0.05)
    with pytest.raises(DeadlinePassed):
        await asyncio.wait_for(getattr(pool, kind)(query), 5)
    current_request.set(None)
    assert (pool.usage().in_use, await numbers(pool)) == (0, [])


async def test_outside_of_a_request_a_call_has_its_own_limit(tmp_path: Path) -> None:
    pool = SqlitePool(a_file(tmp_path, timeout=0.05))
    await pool.open()
    try:
        with pytest.raises(StorageTimeout):
            await asyncio.wait_for(pool.read(ENDLESS), 5)
    finally:
        await pool.close()


async def test_a_call_that_comes_too_late_is_not_made(pool: SqlitePool) -> None:
    within(-1)
    with pytest.raises(DeadlinePassed):
        await pool.write("INSERT INTO numbers VALUES (1)")
    current_request.set(None)
    assert await numbers(pool) == []


@pytest.mark.parametrize("failure", [LookupError(), asyncio.CancelledError()])
async def test_a_transaction_that_is_left_is_rolled_back(pool: SqlitePool, failure: BaseException) -> None:
    with pytest.raises(type(failure)):
        async with pool.transaction() as work:
            await work.write("INSERT INTO numbers VALUES (1)")
            assert await work.read("SELECT n FROM numbers") == [(1,)]
            assert await numbers(pool) == []
            raise failure
    await pool.write("INSERT INTO numbers VALUES (2)")
    assert await numbers(pool) == [2]


async def test_a_transaction_that_is_cancelled_in_a_statement_is_rolled_back(pool: SqlitePool) -> None:
    async def work() -> None:
        async with pool.transaction() as transaction:
            await transaction.write("INSERT INTO numbers VALUES (1)")
            await transaction.write(ENDLESS_WRITE)

    task = await begun(pool, work())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert await numbers(pool) == []
    await pool.write("INSERT INTO numbers VALUES (2)")


@contextmanager
def another_process_writes(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def test_who_is_locked_out_may_try_again(pool: SqlitePool, tmp_path: Path) -> None:
    with another_process_writes(tmp_path / "pool.db"):
        assert await numbers(pool) == []
        for _ in range(2):
            with pytest.raises(TransactionAborted):
                await pool.write("INSERT INTO numbers VALUES (1)")
            with pytest.raises(TransactionAborted):
                async with pool.transaction():
                    raise AssertionError("Two write at once.")
    await pool.write("INSERT INTO numbers VALUES (1)")
    assert await numbers(pool) == [1]


async def test_writers_take_turns_and_readers_do_not_wait(pool: SqlitePool) -> None:
    async with pool.transaction() as work:
        await work.write("INSERT INTO numbers VALUES (1)")
        waiting = asyncio.create_task(pool.write("INSERT INTO numbers VALUES (2)"))
        await asyncio.sleep(0.01)
        assert pool.usage() == PoolUsage(size=3, in_use=1, waiting=1)
        assert await numbers(pool) == []
    await waiting
    assert await numbers(pool) == [1, 2]
    assert pool.usage() == PoolUsage(size=3, in_use=0, waiting=0)


async def test_who_gives_up_waiting_takes_no_place(pool: SqlitePool) -> None:
    async with pool.transaction():
        waiting = asyncio.create_task(pool.write("INSERT INTO numbers VALUES (1)"))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert pool.usage().waiting == 0
    await pool.write("INSERT INTO numbers VALUES (2)")
    assert await numbers(pool) == [2]


async def test_closing_ends_what_runs(pool: SqlitePool) -> None:
    task = await begun(pool, pool.read(ENDLESS))
    await asyncio.wait_for(pool.close(), 5)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(task, 5)
    with pytest.raises(Unavailable, match="not open"):
        await pool.read("SELECT 1")


def alive(started: set[threading.Thread]) -> list[threading.Thread]:
    """Those of these threads that don't end by themselves."""
    for thread in started:
        thread.join(5)
    return [thread for thread in started if thread.is_alive()]


async def test_closing_ends_the_threads(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    pool = SqlitePool(a_file(tmp_path))
    await pool.open()
    started = set(threading.enumerate()) - before
    assert len(started) == 3
    for _ in range(2):
        await pool.close()
    assert alive(started) == []


async def test_what_was_closed_can_be_opened_again(pool: SqlitePool) -> None:
    await pool.close()
    await pool.open()
    await pool.ping()
    assert pool.usage().size == 3


@pytest.mark.parametrize("kind", ["a folder", "no database", "no folder"])
async def test_a_file_that_cannot_be_opened_is_told_by_its_setting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pool.db"
    if kind == "a folder":
        path.mkdir()
    elif kind == "no database":
        path.write_bytes(b"something else" * 100)
    else:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "pool.db"
    before = set(threading.enumerate())
    with pytest.raises(Unavailable, match=r"Check APP_SQLITE__PATH: .*pool\.db cannot be opened"):
        await SqlitePool(a_file(tmp_path, path=path)).open()
    assert alive(set(threading.enumerate()) - before) == []
