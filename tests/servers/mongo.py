"""MongoDB for tests: a replica set of one node."""

import os
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

from tests.servers.kinds import SHARED, Kind, binary
from tests.servers.process import Launch


def _launch(folder: Path, port: int, *, standalone: bool = False) -> Launch | None:
    data = folder / "data"
    mongod = binary("mongod")
    if mongod is not None:
        data.mkdir()
        data.chmod(0o777)
        replicated = [] if standalone else ["--replSet", "rs0"]
        fail_points = ["--setParameter", "enableTestCommands=1"]
        where = ["--dbpath", str(data), "--port", str(port), "--bind_ip", "127.0.0.1"]
        return Launch([mongod, *where, *replicated, *fail_points])
    if (SHARED / "mongo").exists() and os.geteuid() == 0:
        mode = ["--standalone"] if standalone else []
        return Launch([str(SHARED / "mongo"), *mode, str(data), str(port)], user=None)
    return None


def _answers(dsn: str) -> bool:
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
        dsn, serverSelectionTimeoutMS=1000, directConnection=True
    )
    try:
        hello = client.admin.command("hello")
        if "setName" not in hello and hello.get("isreplicaset"):
            client.admin.command("replSetInitiate")
        return bool(client.admin.command("hello")["isWritablePrimary"])
    except PyMongoError:
        return False
    finally:
        client.close()


def _kind(name: str, *, standalone: bool) -> Kind:
    return Kind(
        name=name,
        variable="TEST_MONGO_STANDALONE_DSN" if standalone else "TEST_MONGO_DSN",
        hint="install mongod, or name a replica set in TEST_MONGO_DSN",
        launch=lambda folder, port: _launch(folder, port, standalone=standalone),
        dsn=lambda port: f"mongodb://127.0.0.1:{port}/?directConnection=true",
        answers=_answers,
        docker=None if standalone else lambda port: [
            "--publish", f"127.0.0.1:{port}:27017", "mongo:8", "--replSet", "rs0", "--bind_ip_all",
        ],
    )  # fmt: skip


MONGO = _kind("mongo", standalone=False)
MONGO_STANDALONE = _kind("mongo-standalone", standalone=True)
