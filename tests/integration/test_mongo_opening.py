"""MongoDB's pools at the start: addresses, refusals, TLS, and a replica that may be missing."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.adapters.config.secret import Dsn
from app.adapters.mongo import client as mongo_client
from app.adapters.mongo.documents import PooledDocuments
from app.adapters.mongo.pool import MongoPool
from app.adapters.mongo.posts import MongoPostRepository
from app.adapters.mongo.settings import MongoPoolSettings
from app.adapters.storage_errors import StorageRefused
from app.domain.errors import Unavailable
from app.domain.model.posts import PostQuery
from tests.builders import SOME_MOMENT, a_new_post
from tests.mongo_databases import database, fail_point, opened, request, settings
from tests.processes import free_port
from tests.servers.kinds import Server


@pytest.fixture
def dsn(mongo_server: Server) -> Iterator[str]:
    with database(mongo_server.dsn) as made:
        yield made


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    where = f"mongodb://user:hunter2@127.0.0.1:{free_port()}/app"
    pool = MongoPool("primary", settings(where, open_timeout=0.5, selection_timeout=0.2))
    with pytest.raises(Unavailable) as refused:
        await pool.open()
    assert "APP_MONGO__PRIMARY__DSN" in str(refused.value)
    assert "127.0.0.1" in str(refused.value)
    assert "hunter2" not in f"{refused.value!r} {refused.value.__cause__!r}"


@pytest.mark.parametrize(
    "address", ["mongodb://user:hunter2@host:port/app", "mongodb://u:hunter2:x@[/", "http://hunter2"]
)
async def test_an_address_that_is_none_is_refused_at_once(address: str) -> None:
    with pytest.raises(StorageRefused) as refused:
        await MongoPool("primary", settings(address)).open()
    assert "hunter2@" not in str(refused.value)


async def test_who_is_not_let_in_is_not_tried_again(dsn: str) -> None:
    pool = MongoPool("primary", settings(dsn))
    with fail_point(dsn, "hello", times=1, errorCode=18), pytest.raises(StorageRefused) as refused:
        await pool.open()
    assert "password" in str(refused.value)


@pytest.mark.parametrize(("more", "first_byte"), [({"tls": True}, b"\x16"), ({}, b"")], ids=["tls", "plain"])
async def test_tls_is_spoken_where_it_is_set(more: dict[str, Any], first_byte: bytes, tmp_path: Path) -> None:
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.put_nowait(await reader.read(1))
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", free_port())
    port = listener.sockets[0].getsockname()[1]
    given = settings(f"mongodb://127.0.0.1:{port}/", open_timeout=0.1, selection_timeout=0.3, **more)
    with pytest.raises(Unavailable):
        await MongoPool("primary", given).open()
    assert ((await seen.get()) == b"\x16") is (first_byte == b"\x16")
    listener.close()


def test_certificates_are_handed_to_the_driver() -> None:
    given = MongoPoolSettings(
        dsn=Dsn("mongodb://127.0.0.1/"), tls=True, tls_ca=Path("ca.pem"), tls_cert=Path("own.pem")
    )
    told = mongo_client.options(given)
    assert (told["tls"], told["tlsCAFile"], told["tlsCertificateKeyFile"]) == (True, "ca.pem", "own.pem")


async def test_lists_come_from_the_replica_until_the_request_writes(mongo_server: Server, dsn: str) -> None:
    with database(mongo_server.dsn) as other:
        async with opened(primary=settings(other)) as elsewhere:
            await MongoPostRepository(PooledDocuments(elsewhere)).add(a_new_post("In the replica"), SOME_MOMENT)
        async with opened(primary=settings(dsn), replica=settings(other)) as pools:
            posts = MongoPostRepository(PooledDocuments(pools))
            with request(5):
                assert (await posts.page(PostQuery())).total == 1
                assert await posts.find(1) is None
                assert (await posts.page(PostQuery())).total == 1
                await posts.add(a_new_post("In the primary"), SOME_MOMENT)
                assert [post.title for post in (await posts.page(PostQuery())).items] == ["In the primary"]


async def test_without_its_replica_the_service_starts_and_reads_from_the_primary(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = settings(f"mongodb://127.0.0.1:{free_port()}/", selection_timeout=0.2)
    async with opened(primary=settings(dsn), replica=nowhere) as pools:
        assert "APP_MONGO__REPLICA__DSN" in caplog.text
        with request(5):
            assert (await MongoPostRepository(PooledDocuments(pools)).page(PostQuery())).total == 0
