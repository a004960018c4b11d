"""NATS with JetStream for tests."""

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

from tests.servers.kinds import Kind, binary
from tests.servers.process import Launch


def _launch(folder: Path, port: int) -> Launch | None:
    nats_server = binary("nats-server", "usr/sbin")
    if nats_server is None:
        return None
    return Launch([nats_server, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder / "data")])


def _answers(url: str) -> bool:
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or "", address.port or 4222), timeout=2) as connection:
            greeting = connection.makefile("rb").readline()
            return bool(json.loads(greeting.removeprefix(b"INFO ")).get("jetstream"))
    except (OSError, ValueError):
        return False


NATS = Kind(
    name="nats",
    variable="TEST_NATS_URL",
    hint="install nats-server, or name a server with JetStream in TEST_NATS_URL",
    launch=_launch,
    dsn=lambda port: f"nats://127.0.0.1:{port}",
    answers=_answers,
    docker=lambda port: ["--publish", f"127.0.0.1:{port}:4222", "nats:2-alpine", "-js"],
)
