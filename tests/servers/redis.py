"""Redis for tests."""

from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.servers.kinds import Kind, binary
from tests.servers.process import Launch


def _launch(folder: Path, port: int) -> Launch | None:
    redis_server = binary("redis-server")
    if redis_server is None:
        return None
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    return Launch([redis_server, *options])


def _answers(url: str) -> bool:
    client = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()


REDIS = Kind(
    name="redis",
    variable="TEST_REDIS_URL",
    hint="install redis-server, or name a server in TEST_REDIS_URL",
    launch=_launch,
    dsn=lambda port: f"redis://127.0.0.1:{port}/0",
    answers=_answers,
    docker=lambda port: ["--publish", f"127.0.0.1:{port}:6379", "redis:7-alpine"],
)
