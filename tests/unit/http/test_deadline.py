"""A request ends at its deadline, and nothing else is taken for that."""

import asyncio

import pytest

from app.entrypoints.http.deadline import DeadlineExceeded, Deadlines

FOREVER = 30.0


def now() -> float:
    return asyncio.get_running_loop().time()


async def after(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "done"


async def test_an_answer_in_time_is_given() -> None:
    assert await Deadlines().run(now() + FOREVER, after, 0) == "done"


async def test_a_late_answer_is_ended_and_told_apart() -> None:
    ended = False

    async def answer(_: None) -> None:
        nonlocal ended
        try:
            await asyncio.sleep(FOREVER)
        except asyncio.CancelledError:
            ended = True
            raise

    with pytest.raises(DeadlineExceeded) as late:
        await Deadlines().run(now() + 0.01, answer, None)
    assert ended
    assert (late.value.status, late.value.code) == (504, "DEADLINE_EXCEEDED")


async def test_a_request_that_comes_too_late_is_ended_as_well() -> None:
    with pytest.raises(DeadlineExceeded):
        await Deadlines().run(now() - 1, after, FOREVER)


async def test_the_task_can_go_on_after_its_deadline() -> None:
    with pytest.raises(DeadlineExceeded):
        await Deadlines().run(now(), after, FOREVER)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await Deadlines().run(now() + FOREVER, after, 0.01) == "done"


async def test_a_failure_is_passed_on() -> None:
    async def answer(_: None) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await Deadlines().run(now() + FOREVER, answer, None)


async def test_a_cancellation_by_someone_else_is_no_deadline() -> None:
    task = asyncio.create_task(Deadlines().run(now() + FOREVER, after, FOREVER))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_by_someone_else_at_the_deadline_stays_one() -> None:
    async def answer(_: None) -> None:
        try:
            await asyncio.sleep(FOREVER)
        finally:
            task.cancel()

    task = asyncio.create_task(Deadlines().run(now(), answer, None))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_each_of_many_has_its_own_deadline() -> None:
    deadlines = Deadlines()
    outcomes = await asyncio.gather(
        *(deadlines.run(now() + (0.02 if number % 2 else FOREVER), after, 0.3) for number in range(20)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [str, DeadlineExceeded] * 10


async def test_an_answer_that_tidies_up_is_cancelled_once() -> None:
    tidied = False

    async def answer(_: None) -> None:
        nonlocal tidied
        try:
            await asyncio.sleep(FOREVER)
        finally:
            await asyncio.sleep(0.15)
            tidied = True

    with pytest.raises(DeadlineExceeded):
        await Deadlines().run(now(), answer, None)
    assert tidied


async def test_nothing_is_looked_after_while_nothing_runs() -> None:
    deadlines = Deadlines()
    await deadlines.run(now() + FOREVER, after, 0)
    await asyncio.sleep(0.12)
    assert deadlines._timer is None
    with pytest.raises(DeadlineExceeded):
        await deadlines.run(now(), after, FOREVER)
