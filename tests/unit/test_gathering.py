"""Reads that come at the same time share a query, and nobody notices but for the time it takes."""

import asyncio
from collections.abc import Sequence

import pytest

from app.adapters.gathering import FLIGHTS, Gathered
from app.context import remaining
from app.domain.errors import Unavailable
from tests.requests import in_a_request


class Source:
    """Values by number, which a query takes when it starts and gives when it is let through."""

    def __init__(self) -> None:
        self.values = {number: f"value {number}" for number in range(100)}
        self.queries: list[list[int]] = []
        self.times: list[float] = []
        self.cancelled = 0
        self.failure: Exception | None = None
        self._gates: list[asyncio.Event] = []

    async def one(self, key: int) -> str:
        return (await self.many([key])).get(key, "none")

    async def many(self, keys: Sequence[int]) -> dict[int, str]:
        self.queries.append(list(keys))
        self.times.append(remaining(100))
        found, failure = {key: self.values[key] for key in keys if key in self.values}, self.failure
        gate = asyncio.Event()
        self._gates.append(gate)
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if failure is not None:
            raise failure
        return found

    async def let_through(self) -> None:
        """Let every query through that is on its way, and its readers go on."""
        gates, self._gates = self._gates, []
        for gate in gates:
            gate.set()
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def gathered(source: Source, at_most: int = 100) -> Gathered[int, str]:
    return Gathered(source.one, source.many, "none", at_most)


async def reading(reads: Gathered[int, str], *keys: int) -> "list[asyncio.Task[str]]":
    """These reads, each on its way or waiting."""
    tasks = [asyncio.create_task(reads.read(key)) for key in keys]
    await settled()
    return tasks


async def busy(source: Source, at_most: int = 100) -> Gathered[int, str]:
    """Reads with as many queries on their way as there may be."""
    reads = gathered(source, at_most)
    await reading(reads, *range(90, 90 + FLIGHTS))
    source.queries.clear()
    source.times.clear()
    return reads


async def test_a_read_that_finds_the_way_free_goes_straight_through() -> None:
    source = Source()
    (read,) = await reading(gathered(source), 1)
    assert source.queries == [[1]]
    await source.let_through()
    assert await read == "value 1"


async def test_reads_that_come_meanwhile_share_a_query_and_ask_for_each_key_once() -> None:
    source = Source()
    reads = await busy(source)
    tasks = await reading(reads, 1, 2, 2, 3)
    assert source.queries == []
    await source.let_through()
    assert source.queries == [[1, 2, 3]]
    await source.let_through()
    assert [task.result() for task in tasks] == ["value 1", "value 2", "value 2", "value 3"]


async def test_a_reader_never_gets_what_was_read_before_it_asked() -> None:
    source = Source()
    reads = gathered(source)
    before = await reading(reads, *[1] * FLIGHTS)
    source.values[1] = "written"
    (after,) = await reading(reads, 1)
    await source.let_through()
    await source.let_through()
    assert {task.result() for task in before} == {"value 1"}
    assert after.result() == "written"


async def test_a_reader_does_not_join_a_query_that_has_started() -> None:
    source = Source()
    reads = await busy(source)
    await reading(reads, 1)
    await source.let_through()  # now the query for 1 is on its way, beside nobody
    await reading(reads, 50)
    source.values[1] = "written"
    (after,) = await reading(reads, 1)
    await source.let_through()
    await source.let_through()
    assert after.result() == "written"


async def test_what_is_not_there_is_none() -> None:
    source = Source()
    (task,) = await reading(await busy(source), 1000)
    await source.let_through()
    await source.let_through()
    assert task.result() == "none"


async def test_one_query_takes_so_many_readers_and_the_next_one_the_rest() -> None:
    source = Source()
    await reading(await busy(source, at_most=2), 1, 2, 3)
    await source.let_through()
    assert source.queries == [[1, 2], [3]]


async def test_a_reader_that_is_cancelled_leaves_the_others_to_their_query() -> None:
    source = Source()
    gone, stays = await reading(await busy(source), 1, 2)
    await source.let_through()
    gone.cancel()
    await settled()
    assert source.cancelled == 0
    await source.let_through()
    assert stays.result() == "value 2"


async def test_a_query_for_which_nobody_waits_any_more_is_cancelled_and_makes_room() -> None:
    source = Source()
    reads = await busy(source)
    gone = await reading(reads, 1, 2)
    await source.let_through()
    for task in gone:
        task.cancel()
    await settled()
    assert source.cancelled == 1
    await reading(reads, *range(10, 10 + FLIGHTS))
    assert len(source.queries) == 1 + FLIGHTS


async def test_readers_that_are_gone_before_their_query_starts_are_not_asked_for() -> None:
    source = Source()
    (gone,) = await reading(await busy(source), 1)
    gone.cancel()
    await source.let_through()
    assert source.queries == []


async def test_a_failure_is_told_to_each_reader_as_an_error_of_its_own_and_the_next_read_is_free() -> None:
    source = Source()
    reads = await busy(source)
    tasks = await reading(reads, 1, 2)
    source.failure = Unavailable("The storage is away.")
    await source.let_through()
    await source.let_through()
    errors = [task.exception() for task in tasks]
    assert [type(error) for error in errors] == [Unavailable, Unavailable]
    assert errors[0] is not errors[1]
    assert str(errors[0]) == "The storage is away."
    source.failure = None
    (free,) = await reading(reads, 3)
    await source.let_through()
    assert free.result() == "value 3"


@pytest.mark.parametrize("seconds", [(3, 8), (8, 3)])
async def test_a_query_has_the_time_of_the_reader_who_has_most_of_it(seconds: tuple[float, float]) -> None:
    source = Source()
    reads = await busy(source)
    for number, each in enumerate(seconds):
        with in_a_request(each):
            await reading(reads, number)
    await source.let_through()
    assert source.times == [pytest.approx(8, abs=0.5)]


async def test_a_query_for_a_reader_outside_of_any_request_has_the_usual_time() -> None:
    source = Source()
    reads = await busy(source)
    with in_a_request(3):
        await reading(reads, 1)
    await reading(reads, 2)
    await source.let_through()
    assert source.times == [100]
