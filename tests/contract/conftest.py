from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import mongo_databases
from tests.contract.storages import STORAGES, Storage
from tests.servers.kinds import Server


@pytest.fixture(scope="session")
def mongo_database(mongo_server: Server) -> Iterator[str]:
    """The address of a database of the tests' own, with the schema in place."""
    with mongo_databases.migrated_database(mongo_server.dsn) as dsn:
        yield dsn


@pytest.fixture(params=STORAGES)
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """An empty storage, one after the other of every kind."""
    async with STORAGES[request.param](request, tmp_path) as opened:
        yield opened
