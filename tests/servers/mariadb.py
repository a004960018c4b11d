"""MariaDB or MySQL for tests."""

from pathlib import Path
from urllib.parse import urlsplit

import pymysql

from tests.servers.kinds import Kind, binary, prepare
from tests.servers.process import Launch


def _launch(folder: Path, port: int) -> Launch | None:
    install, server = binary("mariadb-install-db"), binary("mariadbd", "usr/sbin")
    if install is None or server is None:
        return None
    data, log = folder / "data", folder / "prepare.log"
    log.touch(mode=0o666)
    normal = "--auth-root-authentication-method=normal"
    prepare(install, "--no-defaults", f"--datadir={data}", normal, "--skip-test-db", data=data, log=log)
    return Launch(
        [
            server, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={folder}/socket", f"--pid-file={folder}/pid", "--max-connections=200",
        ]
    )  # fmt: skip


def _answers(dsn: str) -> bool:
    url = urlsplit(dsn)
    try:
        pymysql.connect(
            host=url.hostname,
            port=url.port or 3306,
            user=url.username,
            password=url.password or "",
            connect_timeout=2,
            read_timeout=2,  # a frozen server accepts and never greets
        ).close()
    except pymysql.Error:
        return False
    return True


MARIADB = Kind(
    name="mariadb",
    variable="TEST_MYSQL_DSN",
    hint="install MariaDB, or name a MySQL or MariaDB server in TEST_MYSQL_DSN",
    launch=_launch,
    dsn=lambda port: f"mysql://root@127.0.0.1:{port}/",
    answers=_answers,
    docker=lambda port: [
        "--publish", f"127.0.0.1:{port}:3306", "--env", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1", "mariadb:11",
    ],
)  # fmt: skip
