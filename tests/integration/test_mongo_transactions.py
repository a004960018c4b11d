"""Units of work in MongoDB: conflicts, lost answers, ids."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pymongo.errors import ExecutionTimeout

from app.adapters.mongo.documents import PooledDocuments
from app.adapters.mongo.errors import UNKNOWN_COMMIT
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.mongo.unit_of_work import MongoTransactions
from app.adapters.named_pools import NamedPools
from app.adapters.storage_errors import StorageTimeout
from app.domain.errors import DeadlinePassed, TransactionAborted, Unavailable
from app.domain.model.posts import Post, PostQuery
from app.ports.unit_of_work import Work, run_repeatable
from tests.builders import SOME_MOMENT, a_new_feature, a_new_post
from tests.mongo_databases import database, fail_point, opened, request, settings
from tests.servers.kinds import Server

Pools = NamedPools[MongoPool]


@pytest.fixture
async def pools(mongo_server: Server) -> AsyncIterator[Pools]:
    with database(mongo_server.dsn) as dsn:
        async with opened(primary=settings(dsn, timeout=2)) as found:
            yield found


def posts_of(pools: Pools) -> MongoPostRepository:
    return MongoPostRepository(PooledDocuments(pools))


async def add(work: Work) -> Post:
    post = await work.posts.add(a_new_post(), SOME_MOMENT)
    await work.features.add(post.id, [a_new_feature()])
    return post


async def test_a_commit_whose_connection_breaks_is_sent_again(pools: Pools, mongo_server: Server) -> None:
    with fail_point(mongo_server.dsn, "commitTransaction", times=3, closeConnection=True):
        async with MongoTransactions(pools).begin() as work:
            await add(work)
    assert (await posts_of(pools).page(PostQuery())).total == 1


async def test_a_commit_of_unknown_outcome_is_asked_for_again(pools: Pools) -> None:
    outcomes = []

    async with pools.primary.transaction() as transaction:
        await transaction.run(lambda db, session: db.posts.insert_one({"title": "Once"}, session=session))
        commit = transaction._session.commit_transaction

        async def answered_at_the_third_time() -> None:
            await commit()
            outcomes.append("committed")
            if len(outcomes) < 3:
                unknown = ExecutionTimeout("The commit went on too long to be waited for.", 50)
                unknown._add_error_label(UNKNOWN_COMMIT)
                raise unknown

        transaction._session.commit_transaction = answered_at_the_third_time
    assert len(outcomes) == 3
    assert await pools.primary.run(lambda db, _: db.posts.count_documents({})) == 1


async def test_a_commit_that_is_never_answered_is_no_abort(pools: Pools, mongo_server: Server) -> None:
    """Whoever is told that a unit was aborted may repeat it, and this one may have been committed."""
    with (
        fail_point(mongo_server.dsn, "commitTransaction", times=10_000, errorCode=50),
        pytest.raises(Unavailable) as refused,
    ):
        async with MongoTransactions(pools).begin() as work:
            await add(work)
    assert type(refused.value) is StorageTimeout


async def test_a_unit_that_the_server_gave_up_is_run_once_more(pools: Pools, mongo_server: Server) -> None:
    lost = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
    with fail_point(mongo_server.dsn, "update", times=2, **lost):
        await run_repeatable(MongoTransactions(pools), add)
    assert (await posts_of(pools).page(PostQuery())).total == 1


async def test_a_unit_that_lost_a_document_to_another_one_is_aborted(pools: Pools) -> None:
    posts = posts_of(pools)
    one, other = [await posts.add(a_new_post(title), SOME_MOMENT) for title in ("One", "Other")]
    with pytest.raises(TransactionAborted):
        async with MongoTransactions(pools).begin() as work:
            assert await work.posts.find(one.id) == one
            await posts.save(other.id, a_new_post("Meanwhile"), 1)
            await work.posts.save(other.id, a_new_post("Too late"), None)
    found = await posts.find(other.id)
    assert found is not None
    assert found.title == "Meanwhile"


async def test_a_unit_waits_for_the_one_before_it_only_so_long(pools: Pools) -> None:
    post = await posts_of(pools).add(a_new_post(), SOME_MOMENT)
    async with MongoTransactions(pools).begin() as work:
        await work.posts.save(post.id, a_new_post("Held"), None)
        with request(0.5), pytest.raises(DeadlinePassed):
            async with MongoTransactions(pools).begin() as waiting:
                await waiting.posts.save(post.id, a_new_post("Waits"), None)


async def test_a_unit_that_failed_lets_go_of_its_documents(pools: Pools) -> None:
    post = await posts_of(pools).add(a_new_post(), SOME_MOMENT)
    with pytest.raises(ZeroDivisionError):
        async with MongoTransactions(pools).begin() as work:
            await work.posts.save(post.id, a_new_post("Undone"), None)
            raise ZeroDivisionError
    assert (await posts_of(pools).save(post.id, a_new_post("Done"), 1)).version == 2


async def test_new_posts_do_not_wait_for_each_other(pools: Pools) -> None:
    transactions = MongoTransactions(pools)
    async with transactions.begin() as one, transactions.begin() as other:
        first = await one.posts.add(a_new_post("One"), SOME_MOMENT)
        second = await other.posts.add(a_new_post("Other"), SOME_MOMENT)
        assert first.id < second.id


async def test_ids_are_given_once_however_many_ask(pools: Pools) -> None:
    documents = PooledDocuments(pools)
    given = await asyncio.gather(*(documents.next_ids("posts", 3) for _ in range(40)))
    assert sorted(id_ for ids in given for id_ in ids) == list(range(1, 121))


async def test_a_counter_that_no_migration_made_is_not_made_up(pools: Pools) -> None:
    await pools.primary.run(lambda db, _: db.counters.delete_one({"_id": "posts"}))
    outcomes = await asyncio.gather(
        *(PooledDocuments(pools).next_ids("posts", 1) for _ in range(5)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert await pools.primary.run(lambda db, _: db.counters.find_one({"_id": "posts"})) is None


async def test_cancelled_units_leave_no_place_taken(pools: Pools) -> None:
    async def unit(title: str) -> None:
        async with MongoTransactions(pools).begin() as work:
            await work.posts.add(a_new_post(title), SOME_MOMENT)

    tasks = [asyncio.create_task(unit(str(number))) for number in range(30)]
    await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    async with asyncio.timeout(3):
        while pools.primary.usage().in_use:  # noqa: ASYNC110 - nobody tells when the last one has ended
            await asyncio.sleep(0.02)
    await unit("Afterwards")


async def test_numbers_are_stored_as_int64(pools: Pools) -> None:
    """An int32 counter would end at 2,147,483,647."""
    post = await posts_of(pools).add(a_new_post(), SOME_MOMENT)
    kinds = [{"$project": {"id": {"$type": "$_id"}, "version": {"$type": "$version"}}}]
    counter = [{"$project": {"last": {"$type": "$last"}}}]
    (stored,) = await pools.primary.run(lambda db, _: db.posts.aggregate(kinds).to_list(None))
    counted = await pools.primary.run(lambda db, _: db.counters.aggregate(counter).to_list(None))
    assert stored == {"_id": post.id, "id": "long", "version": "long"}
    assert {each["last"] for each in counted} == {"long"}
