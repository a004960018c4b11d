from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.service import Client, a_token, running_on_sqlite


@pytest.fixture
async def anonymous(tmp_path: Path) -> AsyncIterator[Client]:
    """A client without a token, of a fresh service."""
    async with running_on_sqlite(tmp_path) as client:
        yield client


@pytest.fixture
async def writer(anonymous: Client) -> Client:
    """The client, with a token that lets it write."""
    anonymous.token = a_token("posts:write")
    return anonymous
