"""Where tracing is off, every part is what it would be if there were no tracing: it can cost nothing."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from app.adapters.config.settings import StorageSettings
from app.adapters.events.log import LogPublisher
from app.adapters.http.exchange import sent_once
from app.adapters.mongo.documents import PooledDocuments
from app.adapters.mongo.pool import MongoPool
from app.adapters.mysql.pool import MysqlPool
from app.adapters.postgres.pool import PostgresPool
from app.adapters.sqlite.pool import SqlitePool
from app.container import Container
from app.entrypoints.api.errors import translate_error
from app.entrypoints.app import create_app
from app.entrypoints.http.access_log import AccessLog
from tests.architecture.test_container import a_container
from tests.recorded_spans import RecordedSpans

POOLS = {"sqlite": SqlitePool, "postgres": PostgresPool, "mysql": MysqlPool, "mongo": MongoPool}


def handlers(container: Container) -> set[str]:
    """What the routes of its application call, by name."""
    routes: Any = create_app(container).router.routes()
    return {route.handler.__qualname__ for route in routes}


def middlewares(part: Any) -> tuple[object, ...]:
    return tuple(part._middlewares)


@pytest.mark.parametrize("storage", [field.name for field in attrs.fields(StorageSettings)])
def test_the_pools_are_the_plain_ones(tmp_path: Path, storage: str) -> None:
    container = a_container(tmp_path, storage)
    assert [type(pool) for pool in container.pools()] == [POOLS[storage]]
    statements: Any = container.posts()
    assert type(statements).__module__ == f"app.adapters.{storage}.posts"


def test_mongo_has_no_listener_and_the_plain_documents(tmp_path: Path) -> None:
    container = a_container(tmp_path, "mongo")
    pool: Any = container.mongo_pools().primary
    posts: Any = container.posts()
    assert (list(pool._listeners), type(posts._documents)) == ([], PooledDocuments)


def test_a_request_goes_straight_to_the_kit(tmp_path: Path) -> None:
    container = a_container(tmp_path)
    assert handlers(container) == {"served.<locals>.serve"}
    assert container.kit().translate_error is translate_error
    assert type(container.access_log()) is AccessLog


def test_calls_have_no_middleware_of_tracing(tmp_path: Path) -> None:
    container = a_container(tmp_path)
    assert middlewares(container.app_pages()) == (sent_once,)
    assert type(container.publisher()) is LogPublisher


def test_there_is_nothing_to_open_or_close(tmp_path: Path) -> None:
    container = a_container(tmp_path)
    assert container.tracing() is None
    assert [each for each in container.resources() if "tracing" in type(each).__module__] == []


def test_switched_on_all_of_them_are_others(tmp_path: Path) -> None:
    container = a_container(tmp_path)
    container.tracing.override(RecordedSpans())
    assert "in_span.<locals>.serve_in_span" in handlers(container)
    assert type(container.pools()[0]) is not SqlitePool
    assert len(middlewares(container.app_pages())) == 2
    assert type(container.access_log()) is not AccessLog
    assert type(container.resources()[1]) is RecordedSpans
