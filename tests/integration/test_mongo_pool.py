"""MongoDB's pools: every wait ends in time, and what was lent comes back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pymongo
import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from app.adapters.mongo import client as mongo_client
from app.adapters.mongo.documents import DocumentsInTransaction, PooledDocuments
from app.adapters.mongo.features import MongoFeatureRepository
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.mongo.unit_of_work import MongoTransactions
from app.adapters.named_pools import NamedPools
from app.adapters.storage_errors import StorageRefused, StorageTimeout
from app.domain.errors import DeadlinePassed, TransactionAborted, Unavailable
from app.domain.model.features import FeatureQuery
from app.domain.model.paging import INT64_MAX, Position, SortDir
from app.domain.model.posts import PostQuery, PostSort
from app.domain.services.posts import PostService
from app.ports.health import PoolUsage
from tests.builders import SOME_MOMENT, FixedClock, a_new_feature, a_new_post
from tests.mongo_databases import Recorder, database, fail_point, opened, request, settings
from tests.servers.kinds import Server

Pools = NamedPools[MongoPool]

# As long as anyone waits for it: a hundred million rows.
NUMBERS = [{"$project": {"n": {"$range": [0, 10_000]}}}, {"$unwind": "$n"}]
SLOW = [{"$limit": 1}, *NUMBERS, *NUMBERS, {"$count": "rows"}]


@pytest.fixture
def dsn(mongo_server: Server) -> Iterator[str]:
    with database(mongo_server.dsn) as made:
        yield made


@pytest.fixture
async def pools(dsn: str) -> AsyncIterator[Pools]:
    async with opened(primary=settings(dsn, max_size=2, acquire_timeout=0.3)) as found:
        await MongoPostRepository(PooledDocuments(found)).add(a_new_post("One"), SOME_MOMENT)
        yield found


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()

    def recording(*arguments: Any, **options: Any) -> Any:
        return AsyncIOMotorClient(*arguments, **(options | {"event_listeners": [recorder]}))

    monkeypatch.setattr(mongo_client, "AsyncClient", recording)
    return recorder


async def slow(database: Any, session: object) -> object:
    return await database.posts.aggregate(SLOW, session=session).to_list(None)


def running(dsn: str) -> int:
    """How many slow queries the server is busy with."""
    with pymongo.MongoClient[dict[str, Any]](dsn) as client:
        found = client.admin.command("currentOp")["inprog"]
    return sum("aggregate" in operation.get("command", {}) for operation in found)


async def until(fact: Any, seconds: float = 3) -> None:
    async with asyncio.timeout(seconds):
        while not fact():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.02)


async def test_a_call_ends_with_the_request_here_and_at_the_server(pools: Pools, dsn: str) -> None:
    with request(0.5), pytest.raises(DeadlinePassed):
        await pools.primary.run(slow)
    await until(lambda: running(dsn) == 0)
    await until(lambda: pools.primary.usage().in_use == 0)


async def test_a_call_outside_of_any_request_ends_with_its_own_limit(dsn: str) -> None:
    async with opened(primary=settings(dsn, timeout=0.5)) as pools:
        await MongoPostRepository(PooledDocuments(pools)).add(a_new_post(), SOME_MOMENT)
        with pytest.raises(StorageTimeout):
            await pools.primary.run(slow)


async def test_a_request_without_time_left_asks_nothing(pools: Pools) -> None:
    """A limit of 0 is none for the driver: the query would go on for ever."""
    with request(-1), pytest.raises(DeadlinePassed):
        await pools.primary.run(slow)
    await until(lambda: pools.primary.usage().in_use == 0)


async def test_who_finds_no_free_place_waits_only_so_long(pools: Pools) -> None:
    with request(1.5):
        holders = [asyncio.create_task(pools.primary.run(slow)) for _ in range(2)]
        await until(lambda: pools.primary.usage().in_use == 2)
        with request(5):
            waiter = asyncio.create_task(pools.primary.ping())
        await until(lambda: pools.primary.usage().waiting == 1)
        with pytest.raises(StorageTimeout):
            await waiter
        assert pools.primary.usage() == PoolUsage(size=2, in_use=2, waiting=0)
        outcomes = await asyncio.gather(*holders, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DeadlinePassed}
    await until(lambda: pools.primary.usage().in_use == 0)
    await pools.primary.ping()


async def test_a_cancelled_call_keeps_its_place_until_it_has_ended(pools: Pools) -> None:
    with request(1):
        task = asyncio.create_task(pools.primary.run(slow))
        await until(lambda: pools.primary.usage().in_use == 1)
        task.cancel()
        await asyncio.wait([task])
    assert task.cancelled()
    assert pools.primary.usage().in_use == 1
    await until(lambda: pools.primary.usage().in_use == 0)


async def test_a_unit_cancelled_in_a_slow_call_is_rolled_back_and_lets_others_in(pools: Pools) -> None:
    posts = MongoPostRepository(PooledDocuments(pools))
    (post,) = (await posts.page(PostQuery())).items
    with request(0.7), pytest.raises(DeadlinePassed):
        async with pools.primary.transaction() as transaction:
            await MongoPostRepository(DocumentsInTransaction(transaction)).save(post.id, a_new_post("Undone"), None)
            await transaction.run(slow)
    assert (await posts.save(post.id, a_new_post("Done"), 1)).version == 2
    await until(lambda: pools.primary.usage().in_use == 0)


async def test_the_driver_is_told_the_limits_of_each_call(dsn: str, commands: Recorder) -> None:
    async with opened(primary=settings(dsn, timeout=2)) as pools:
        await MongoPostRepository(PooledDocuments(pools)).find(1)
    assert 0 < commands.sent[commands.names().index("find")]["maxTimeMS"] <= 2000


async def test_lists_are_one_command_of_one_moment(dsn: str, commands: Recorder) -> None:
    async with opened(primary=settings(dsn)) as pools:
        documents = PooledDocuments(pools)
        commands.sent.clear()
        await MongoPostRepository(documents).page(PostQuery())
        await MongoFeatureRepository(documents).page(FeatureQuery())
        assert commands.names() == ["aggregate", "aggregate"]
    assert [command["readConcern"]["level"] for command in commands.sent[:2]] == ["snapshot", "snapshot"]


@pytest.mark.parametrize("sort_dir", SortDir)
@pytest.mark.parametrize("value", [INT64_MAX, -INT64_MAX])
async def test_a_position_may_lie_beyond_all_dates(pools: Pools, sort_dir: SortDir, value: int) -> None:
    query = PostQuery(sort=PostSort.CREATED_AT, sort_dir=sort_dir)
    found = await MongoPostRepository(PooledDocuments(pools)).page_after(query, Position(value, 1), 10)
    assert len(found) == ((value < 0) is (sort_dir is SortDir.ASC))


async def test_writes_are_acknowledged_by_a_majority(dsn: str, commands: Recorder) -> None:
    async with opened(primary=settings(dsn)) as pools:
        await MongoPostRepository(PooledDocuments(pools)).add(a_new_post(), SOME_MOMENT)
    insert = next(command for command in commands.sent if "insert" in command)
    assert (insert["writeConcern"]["w"], insert["writeConcern"]["j"]) == ("majority", True)


@pytest.mark.parametrize("driver", [AsyncIOMotorClient, pymongo.AsyncMongoClient], ids=["motor", "pymongo"])
async def test_either_driver_will_do(dsn: str, driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_client, "AsyncClient", driver)
    async with opened(primary=settings(dsn)) as pools:
        documents = PooledDocuments(pools)
        posts = PostService(MongoPostRepository(documents), MongoTransactions(pools), FixedClock())
        first = await posts.publish(a_new_post("First", features=[a_new_feature()]))
        edited = await posts.edit(first.id, a_new_post("Edited", features=[a_new_feature("new")]), 1)
        await posts.publish(a_new_post("Second"))
        page = await posts.page(PostQuery(limit=1))
        after = await posts.page(PostQuery(limit=1, cursor=page.next_cursor))
        features = await MongoFeatureRepository(documents).page(FeatureQuery())
        assert ([*page.items, *after.items][1].title, page.total, features.items) == ("Edited", 2, edited.features)
        await posts.remove(first.id, 2)


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        ({"errorCode": 112}, TransactionAborted),
        ({"errorCode": 50}, StorageTimeout),
        ({"errorCode": 13}, StorageRefused),
        ({"errorCode": 239}, Unavailable),
    ],
)
async def test_what_the_server_refuses_has_its_kind(
    pools: Pools, dsn: str, failure: dict[str, Any], raised: type[Exception]
) -> None:
    with fail_point(dsn, "find", times=20, **failure), pytest.raises(Unavailable) as refused:
        await MongoPostRepository(PooledDocuments(pools)).find(1)
    assert type(refused.value) is raised


@pytest.mark.parametrize("failure", [{"closeConnection": True}, {"errorCode": 91}, {"errorCode": 10107}])
async def test_a_passing_failure_is_not_even_noticed(pools: Pools, dsn: str, failure: dict[str, Any]) -> None:
    posts = MongoPostRepository(PooledDocuments(pools))
    labels = {} if "closeConnection" in failure else {"errorLabels": ["RetryableWriteError"]}
    with fail_point(dsn, "insert", times=2, **failure, **labels):
        added = await posts.add(a_new_post("Once"), SOME_MOMENT)
    assert (await posts.page(PostQuery())).total == 2
    assert await posts.find(added.id) == added


async def test_a_pool_that_is_not_open_says_so() -> None:
    with pytest.raises(Unavailable):
        await MongoPool("primary", settings("mongodb://127.0.0.1/")).ping()


async def test_closing_twice_does_nothing(pools: Pools) -> None:
    await pools.primary.close()
    await pools.primary.close()


async def test_a_unit_of_work_counts_as_a_write(mongo_server: Server, pools: Pools) -> None:
    with request(5) as context:
        async with MongoTransactions(pools).begin():
            pass
        assert context.has_written
