"""What a request knows of itself: its time, and whether what it reads may be old."""

import asyncio

import pytest

from app.context import RequestContext, current_request, may_read_stale, note_write, remaining, request_id


@pytest.fixture
def request_context() -> RequestContext:
    return RequestContext("an-id", 0.0)


async def test_outside_of_a_request_nothing_may_be_old_and_the_default_time_holds() -> None:
    note_write()
    assert (request_id(), may_read_stale(), remaining(3.0)) == (None, False, 3.0)


async def test_a_request_may_read_what_is_old_until_it_writes(request_context: RequestContext) -> None:
    current_request.set(request_context)
    assert may_read_stale()
    note_write()
    assert not may_read_stale()


async def test_a_write_in_a_task_of_the_request_counts_for_all_of_it(request_context: RequestContext) -> None:
    current_request.set(request_context)

    async def write() -> None:
        note_write()

    await asyncio.create_task(write())
    assert not may_read_stale()


async def test_a_write_of_another_request_does_not_count(request_context: RequestContext) -> None:
    async def other() -> None:
        current_request.set(RequestContext("other", 0.0))
        note_write()

    current_request.set(request_context)
    await asyncio.create_task(other())
    assert may_read_stale()


@pytest.mark.parametrize(("left", "default", "expected"), [(10.0, 3.0, 3.0), (-1.0, 3.0, 0.0)])
async def test_what_remains_is_never_more_than_the_default_nor_less_than_nothing(
    request_context: RequestContext, left: float, default: float, expected: float
) -> None:
    request_context.deadline = asyncio.get_running_loop().time() + left
    current_request.set(request_context)
    assert remaining(default) == expected
