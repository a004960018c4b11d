"""What every storage does when the caller's own time is over: it says so, and takes no blame."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from app.context import RequestContext, current_request
from app.domain.errors import DeadlinePassed
from app.ports.storage import Storage
from tests.builders import SOME_MOMENT, a_new_post
from tests.contract.storages import STORAGES


@pytest.fixture(params=[name for name in STORAGES if name != "memory"])  # which has nothing to wait for
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    async with STORAGES[request.param](request, tmp_path) as opened:
        yield opened


async def read(storage: Storage) -> None:
    await storage.posts.find(1)


async def read_with_features(storage: Storage) -> None:
    await storage.posts.find_with_features(1)


async def write(storage: Storage) -> None:
    await storage.posts.add(a_new_post("Too late"), SOME_MOMENT)


async def unit_of_work(storage: Storage) -> None:
    async with storage.transactions.begin() as work:
        await work.posts.add(a_new_post("Too late"), SOME_MOMENT)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.00001])
@pytest.mark.parametrize("call", [read, read_with_features, write, unit_of_work])
async def test_a_call_that_its_callers_deadline_ends_does_not_blame_the_storage(
    storage: Storage, call: Callable[[Storage], Awaitable[None]], seconds: float
) -> None:
    current_request.set(RequestContext("in a hurry", time.monotonic() + seconds))
    with pytest.raises(DeadlinePassed):
        await call(storage)
    current_request.set(None)
    await call(storage)
