"""PostgreSQL for tests."""

from pathlib import Path

import psycopg

from tests.servers.kinds import Kind, binary, prepare
from tests.servers.process import Launch

BINARIES = "usr/lib/postgresql/*/bin"


def _launch(folder: Path, port: int) -> Launch | None:
    initdb, postgres = binary("initdb", BINARIES), binary("postgres", BINARIES)
    if initdb is None or postgres is None:
        return None
    data, log = folder / "data", folder / "prepare.log"
    log.touch(mode=0o666)
    prepare(
        initdb,
        "-D",
        str(data),
        "-A",
        "trust",
        "-U",
        "postgres",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        data=data,
        log=log,
    )
    options = [
        "-c",
        f"unix_socket_directories={folder}",
        "-c",
        "max_connections=200",
        "-c",
        "listen_addresses=127.0.0.1",
    ]
    return Launch([postgres, "-D", str(data), "-p", str(port), *options])


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


POSTGRES = Kind(
    name="postgres",
    variable="TEST_POSTGRES_DSN",
    hint="install PostgreSQL, or name a server in TEST_POSTGRES_DSN",
    launch=_launch,
    dsn=lambda port: f"postgresql://postgres@127.0.0.1:{port}/postgres",
    answers=_answers,
    docker=lambda port: [
        "--publish", f"127.0.0.1:{port}:5432", "--env", "POSTGRES_HOST_AUTH_METHOD=trust", "postgres:17-alpine",
    ],
)  # fmt: skip
