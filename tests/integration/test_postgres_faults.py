"""PostgreSQL that freezes, dies, is missing, is altered, or lags: nobody waits for ever, and all is well afterwards."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.adapters.named_pools import NamedPools
from app.adapters.postgres.pool import PostgresPool, make_postgres_pools
from app.adapters.postgres.posts import PostgresPostRepository
from app.adapters.postgres.statements import PooledStatements
from app.adapters.postgres.unit_of_work import PostgresTransactions
from app.adapters.storage_errors import StorageRefused
from app.domain.errors import Unavailable
from app.domain.model.posts import Post, PostQuery
from app.ports.unit_of_work import Work, run_repeatable
from tests.builders import SOME_MOMENT, a_new_post
from tests.postgres_databases import (
    connected,
    emptied,
    migrated_database,
    opened,
    pool_settings,
)
from tests.processes import free_port
from tests.requests import in_a_request
from tests.servers.kinds import Server, server
from tests.servers.postgres import POSTGRES
from tests.servers.process import ServerProcess


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server that may be ill-treated."""
    with server(POSTGRES, private=True) as started:
        yield started


def process_of(own_server: Server) -> ServerProcess:
    if own_server.process is None:
        pytest.skip("A server in a container can be neither frozen nor killed from here.")
    return own_server.process


@pytest.fixture
def dsn(postgres_database: str) -> str:
    emptied(postgres_database)
    return postgres_database


async def one(pool: PostgresPool) -> object:
    return (await pool.fetch("SELECT 1"))[0][0]


async def until_well(pool: PostgresPool) -> None:
    async with asyncio.timeout(5):
        for _ in range(1000):
            try:
                await one(pool)
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_frozen_server_keeps_nobody_beyond_the_request_and_is_well_once_it_thaws(own_server: Server) -> None:
    process = process_of(own_server)

    async def call(pool: PostgresPool, number: int) -> object:
        with in_a_request(0.5):
            # Statements that are not prepared yet, on open connections and on new ones.
            return await pool.fetch(f"SELECT {number}")

    async def unit(pool: PostgresPool) -> None:
        with in_a_request(0.5):
            async with pool.transaction() as transaction:
                await transaction.read("SELECT 1")

    patient: dict[str, Any] = {"connect_timeout": 10, "acquire_timeout": 10, "timeout": 60}
    async with opened(own_server.dsn, min_size=2, max_size=4, **patient) as pool:
        process.freeze()
        try:
            async with asyncio.timeout(5):
                outcomes = await asyncio.gather(
                    *(call(pool, number) for number in range(8)), unit(pool), return_exceptions=True
                )
                assert {isinstance(outcome, Unavailable) for outcome in outcomes} == {True}
                while pool.usage().in_use:  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.05)
        finally:
            process.thaw()
        await until_well(pool)
        await asyncio.gather(*(one(pool) for _ in range(8)))


async def test_a_pool_on_a_frozen_server_is_closed_all_the_same(own_server: Server) -> None:
    process = process_of(own_server)
    pool = PostgresPool("primary", pool_settings(own_server.dsn, min_size=3))
    await pool.open()
    process.freeze()
    try:
        async with asyncio.timeout(4):
            await pool.close()
    finally:
        process.thaw()


async def test_a_server_that_is_killed_and_started_again_is_found_again(own_server: Server) -> None:
    process = process_of(own_server)
    async with opened(own_server.dsn, min_size=3) as pool:
        process.kill()
        try:
            with pytest.raises(Unavailable):
                await one(pool)
        finally:
            await asyncio.to_thread(process.start)
        await until_well(pool)
        await asyncio.gather(*(one(pool) for _ in range(10)))


async def test_a_server_that_is_late_is_waited_for(own_server: Server) -> None:
    process = process_of(own_server)
    process.kill()
    try:
        opening = asyncio.create_task(asyncio.wait_for(_open_and_close(own_server.dsn), 20))
        await asyncio.sleep(0.3)
        assert not opening.done()
    finally:
        await asyncio.to_thread(process.start)
    await opening


async def _open_and_close(dsn: str) -> None:
    async with opened(dsn) as pool:
        await one(pool)


async def test_a_server_that_never_comes_is_told_with_the_setting_and_without_the_password() -> None:
    dsn = f"postgresql://app:canary@127.0.0.1:{free_port()}/app"
    pool = PostgresPool("primary", pool_settings(dsn, open_timeout=0.3))
    with pytest.raises(Unavailable) as failure:
        await pool.open()
    assert str(failure.value).startswith("Check APP_POSTGRES__PRIMARY__DSN: postgresql://app:***@127.0.0.1:")
    assert "canary" not in str(failure.value)
    with pytest.raises(Unavailable):
        await one(pool)


async def test_a_database_that_is_not_there_is_told_at_once(dsn: str) -> None:
    pool = PostgresPool("primary", pool_settings(f"{dsn}_nowhere", open_timeout=20))
    async with asyncio.timeout(5):
        with pytest.raises(StorageRefused, match="does not exist"):
            await pool.open()


async def test_a_replica_that_does_not_answer_is_a_warning_and_connects_later(
    own_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    process = process_of(own_server)
    process.kill()
    try:
        pool = PostgresPool("replica", pool_settings(own_server.dsn))
        await pool.open()
    finally:
        await asyncio.to_thread(process.start)
    try:
        assert not pool.is_required
        assert [record.levelno for record in caplog.records if "APP_POSTGRES__REPLICA__DSN" in record.message] == [
            logging.WARNING
        ]
        await until_well(pool)
    finally:
        await pool.close()


@asynccontextmanager
async def two_pools(primary: str, replica: str) -> AsyncIterator[NamedPools[PostgresPool]]:
    pools = make_postgres_pools({"primary": pool_settings(primary), "replica": pool_settings(replica)})
    for pool in pools.all():
        await pool.open()
    try:
        yield pools
    finally:
        for pool in pools.all():
            await pool.close()


async def test_reads_that_may_lag_go_to_the_replica_until_the_request_writes(dsn: str, postgres_server: Server) -> None:
    with migrated_database(postgres_server.dsn) as lagging:
        async with two_pools(dsn, lagging) as pools:
            posts = PostgresPostRepository(PooledStatements(pools))
            await posts.add(a_new_post("Outside of any request"), SOME_MOMENT)
            with in_a_request():
                assert (await posts.page(PostQuery())).total == 0
                assert await posts.find(1) is not None
                await posts.add(a_new_post("Written by this request"), SOME_MOMENT)
                assert (await posts.page(PostQuery())).total == 2
            with in_a_request():
                async with PostgresTransactions(pools).begin() as work:
                    assert (await work.posts.page(PostQuery())).total == 2


async def test_what_the_replica_cannot_do_the_primary_does(dsn: str) -> None:
    nowhere = f"postgresql://app@127.0.0.1:{free_port()}/app"
    async with two_pools(dsn, nowhere) as pools:
        posts = PostgresPostRepository(PooledStatements(pools))
        with in_a_request():
            assert (await posts.page(PostQuery())).total == 0


ALTER = "ALTER TABLE posts ALTER COLUMN content TYPE {}"


@pytest.fixture
def own_database(postgres_server: Server) -> Iterator[str]:
    with migrated_database(postgres_server.dsn) as dsn:
        yield dsn


@asynccontextmanager
async def repositories(dsn: str) -> AsyncIterator[tuple[PostgresPostRepository, PostgresTransactions]]:
    pools = make_postgres_pools({"primary": pool_settings(dsn, min_size=6, max_size=6)})
    await pools.primary.open()
    try:
        yield PostgresPostRepository(PooledStatements(pools)), PostgresTransactions(pools)
    finally:
        await pools.primary.close()


async def edit(transactions: PostgresTransactions, post: Post) -> Post:
    async def unit(work: Work) -> Post:
        await asyncio.sleep(0)
        return await work.posts.save(post.id, a_new_post(post.title), None)

    return await run_repeatable(transactions, unit)


async def test_a_table_that_is_altered_costs_no_request(own_database: str) -> None:
    async with repositories(own_database) as (posts, transactions):
        added = [await posts.add(a_new_post(f"Post {number}"), SOME_MOMENT) for number in range(6)]
        for kind in ("varchar(600)", "text", "varchar(700)"):
            # On all six connections the statements are prepared when the table changes.
            await asyncio.gather(*(edit(transactions, post) for post in added))
            await asyncio.gather(*(posts.find(post.id) for post in added))
            with connected(own_database) as connection:
                connection.execute(ALTER.format(kind))
            await edit(transactions, added[0])
            await asyncio.gather(*(edit(transactions, post) for post in added))
            await asyncio.gather(*(posts.find(post.id) for post in added))


async def test_an_alter_in_the_middle_of_work_costs_no_request(own_database: str) -> None:
    def alter() -> None:
        with connected(own_database) as connection:
            for number in range(6):
                connection.execute(ALTER.format("text" if number % 2 else "varchar(600)"))
                time.sleep(0.05)

    async with repositories(own_database) as (posts, transactions):
        post = await posts.add(a_new_post(), SOME_MOMENT)
        altering = asyncio.create_task(asyncio.to_thread(alter))
        for _ in range(2000):
            if altering.done():
                break
            await asyncio.gather(edit(transactions, post), posts.find(post.id), posts.page(PostQuery()))
        await altering
