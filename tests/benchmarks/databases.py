"""Private databases that hold the posts of `cases.py`."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pymongo
from bson.int64 import Int64

from tests import mysql_databases
from tests.benchmarks.bare import sql
from tests.benchmarks.cases import POSTS, rows
from tests.benchmarks.servers import pin
from tests.postgres_databases import connected
from tests.servers.kinds import server
from tests.subjects import SUBJECTS, Subject


@attrs.frozen
class Database:
    """One with posts in it; `pid` is its server's, 0 where it has none."""

    dsn: str
    settings: dict[str, str]
    pid: int = 0


@contextmanager
def database(storage: str, folder: Path) -> Iterator[Database]:
    """A filled database on a private server, which is kept off the core of the servers that are measured."""
    subject = SUBJECTS[storage]
    if subject.kind is None:
        with _filled(subject, str(folder)) as made:
            yield made
        return
    with server(subject.kind, private=True) as started, _filled(subject, started.dsn) as made:
        pid = started.process.pid if started.process else 0
        if pid:
            pin(pid, 1)
        yield attrs.evolve(made, pid=pid)


@contextmanager
def _filled(subject: Subject, where: str) -> Iterator[Database]:
    with subject.database(where) as dsn:
        _FILL[subject.name](dsn)
        patience = {} if subject.kind is None else {f"{subject.name.upper()}__PRIMARY__ACQUIRE_TIMEOUT": "30"}
        yield Database(dsn, subject.environment(dsn) | patience)


def _posts(storage: str) -> list[tuple[Any, ...]]:
    def at(moment: Any) -> Any:
        return moment if storage == "postgres" else int(moment.timestamp() * 1000)

    return [
        (row["title"], row["content"], msgspec.json.encode(row["additional_data"]).decode(), at(row["created_at"]))
        for row in rows()
    ]


def _features() -> list[tuple[Any, ...]]:
    return [(row["id"], each["feature_name"], each["is_active"]) for row in rows() for each in row["features"]]


def _fill_sqlite(path: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(sql.add("?, ?, ?, ?"), _posts("sqlite"))
        connection.executemany(sql.add_features("?, ?, ?", 1), _features())
        connection.execute("ANALYZE")


def _fill_postgres(dsn: str) -> None:
    with connected(dsn) as connection, connection.cursor() as cursor:
        with cursor.copy("COPY posts (title, content, additional_data, created_at, version) FROM STDIN") as copy:
            for row in _posts("postgres"):
                copy.write_row((*row, 1))
        with cursor.copy("COPY features (post_id, feature_name, is_active) FROM STDIN") as copy:
            for feature in _features():
                copy.write_row(feature)
        cursor.execute("VACUUM ANALYZE")


def _fill_mysql(dsn: str) -> None:
    with mysql_databases.connected(dsn) as connection, connection.cursor() as cursor:
        cursor.executemany(sql.add("%s, %s, %s, %s"), _posts("mysql"))
        cursor.executemany(sql.add_features("%s, %s, %s", 1), _features())
        cursor.execute("ANALYZE TABLE posts, features")


def _fill_mongo(dsn: str) -> None:
    with pymongo.timeout(60), pymongo.MongoClient[dict[str, Any]](dsn) as client:
        found = client.get_default_database()
        found.posts.insert_many(map(_document, rows()))
        found.counters.update_one({"_id": "posts"}, {"$set": {"last": Int64(POSTS)}}, upsert=True)
        found.counters.update_one({"_id": "features"}, {"$set": {"last": Int64(2 * POSTS)}}, upsert=True)


def _document(row: dict[str, Any]) -> dict[str, Any]:
    features = [{**each, "id": Int64(each["id"])} for each in row.pop("features")]
    data = msgspec.json.encode(row["additional_data"]).decode()
    id_ = Int64(row.pop("id"))
    return {"_id": id_, **row, "additional_data": data, "version": Int64(1), "features": features}


_FILL: dict[str, Callable[[str], None]] = {
    "sqlite": _fill_sqlite,
    "postgres": _fill_postgres,
    "mysql": _fill_mysql,
    "mongo": _fill_mongo,
}
