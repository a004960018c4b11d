"""Speaking to a real agent in tests, and standing in its way."""

import asyncio
import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs


@attrs.frozen
class Agent:
    """The agent's HTTP API, as an operator uses it."""

    url: str
    token: str = ""

    def call(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {"X-Consul-Token": self.token} if self.token else {}
        request = urllib.request.Request(f"{self.url}/v1/{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def put(self, key: str, value: str | bytes) -> None:
        self.call("PUT", f"kv/{key}", value.encode() if isinstance(value, str) else value)

    def fill(self, values: Mapping[str, str | bytes], prefix: str = "app") -> None:
        for key, value in values.items():
            self.put(f"{prefix}/{key}", value)

    def clear(self, prefix: str = "app") -> None:
        self.call("DELETE", f"kv/{prefix}/?recurse")

    def keys(self, prefix: str = "app") -> list[str]:
        try:
            return list(self.call("GET", f"kv/{prefix}/?keys"))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 404:
                raise
            return []

    def registered(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", "agent/services")
        return found

    def passing(self, service: str) -> list[str]:
        entries = self.call("GET", f"health/service/{service}?passing=1")
        return sorted(entry["Service"]["ID"] for entry in entries)


async def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Return when it holds, while the loop goes on; fails when it doesn't within `seconds`."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


def eventually(holds: Callable[[], object], seconds: float = 30.0) -> None:
    """Return when it holds; fails when it doesn't within `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "It never came to hold."
        time.sleep(0.05)


Fault = Callable[["Handler"], None]


class Proxy(ThreadingHTTPServer):
    """Stands before an agent; answers in its place while a fault is set, and counts what was asked."""

    daemon_threads = True

    def __init__(self, target: str, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.target = target
        self.fault: Fault | None = None
        self.asked: list[float] = []
        self.reset_index = False

    @property
    def url(self) -> str:
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients of a faulty agent go away; that is no news."""


class Handler(BaseHTTPRequestHandler):
    """One request to the proxy."""

    server: Proxy

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.server.asked.append(time.monotonic())
        (self.server.fault or Handler.forward)(self)

    do_PUT = do_GET  # noqa: N815 - the name is the library's

    def forward(self) -> None:
        request = urllib.request.Request(self.server.target + self.path, self.body or None, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.answer(answer.status, answer.read(), answer.headers.get("X-Consul-Index"))
        except urllib.error.HTTPError as error:
            with error:
                self.answer(error.code, error.read(), error.headers.get("X-Consul-Index"))
        except OSError:
            self.close_connection = True

    def answer(self, status: int, body: bytes, index: str | None = "1", kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if index is not None:
            self.send_header("X-Consul-Index", "1" if self.server.reset_index else index)
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Nobody reads it."""


@contextmanager
def proxy(target: str, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """A proxy before `target`, serving in a thread."""
    server = Proxy(target, tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
