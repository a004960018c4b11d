"""What `run` does to a storage before it serves, and to which."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
from dependency_injector import providers

from app.container import Container
from app.domain.model.posts import PostQuery
from app.entrypoints.app import opened
from app.entrypoints.development import prepare
from app.entrypoints.samples import SAMPLES
from app.ports.migrations import Migration, MigrationError
from tests.e2e.service import settings_in


@attrs.define
class FakeMigrations:
    """A database with one step, that remembers whether it was applied."""

    applied: bool = False

    def status(self) -> list[Migration]:
        return [Migration("0001.create-posts", self.applied)]

    def apply(self, to: str | None = None) -> list[str]:
        self.applied = True
        return ["0001.create-posts"]

    def rollback(self, count: int) -> list[str]:
        raise NotImplementedError


async def _posts(container: Container) -> int | None:
    async with asynccontextmanager(opened)(container.pools()):
        return (await container.post_service().page(PostQuery())).total


@pytest.mark.parametrize("asked", [None, True])
def test_the_embedded_storage_is_prepared_without_being_asked(tmp_path: Path, asked: bool | None) -> None:
    prepare(Container(settings=settings_in(tmp_path)), asked=asked)
    assert asyncio.run(_posts(Container(settings=settings_in(tmp_path)))) == len(SAMPLES)


def test_who_does_not_want_samples_gets_none(tmp_path: Path) -> None:
    container = Container(settings=settings_in(tmp_path))
    container.migrations().apply()
    prepare(container, asked=False)
    assert asyncio.run(_posts(container)) == 0


def a_server(folder: Path, migrations: FakeMigrations) -> Container:
    """A service whose storage is a server; its pools would fail, as there is none."""
    container = Container(settings=attrs.evolve(settings_in(folder), storage="postgres"))
    container.migrations.override(providers.Object(migrations))
    return container


@pytest.mark.parametrize("asked", [None, False])
def test_a_server_is_left_alone_and_what_it_lacks_is_told(tmp_path: Path, asked: bool | None) -> None:
    migrations = FakeMigrations()
    with pytest.raises(MigrationError, match=r"lacks 0001\.create-posts.*make migrate.*run --prepare"):
        prepare(a_server(tmp_path, migrations), asked=asked)
    assert not migrations.applied


def test_a_server_that_lacks_nothing_is_served_from_as_it_is(tmp_path: Path) -> None:
    prepare(a_server(tmp_path, FakeMigrations(applied=True)), asked=None)
