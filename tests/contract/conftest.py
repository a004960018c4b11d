from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.ports.storage import Storage
from tests.contract.storages import STORAGES


@pytest.fixture(params=STORAGES)
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """An empty storage, one after the other of every kind."""
    async with STORAGES[request.param](request, tmp_path) as opened:
        yield opened
