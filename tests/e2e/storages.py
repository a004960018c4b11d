"""The whole service on each storage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest

from app.container import Container
from tests.e2e.service import Client, a_token, running
from tests.subjects import Subject, database_for


@asynccontextmanager
async def running_on(subject: Subject, request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Client]:
    """A client that may write, of a fresh service on this storage."""
    with database_for(subject, request, folder) as dsn:
        async with running_on_same(subject, folder, dsn) as client:
            yield client


@asynccontextmanager
async def running_on_same(subject: Subject, folder: Path, dsn: str) -> AsyncIterator[Client]:
    """A client that may write, of a service on this database."""
    settings = subject.settings(folder, dsn)
    patient = attrs.evolve(settings, http=attrs.evolve(settings.http, request_timeout=30.0))
    async with running(Container(settings=patient)) as client:
        client.token = a_token("posts:write")
        yield client
