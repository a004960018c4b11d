"""A stand-in for a collector: takes spans by OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """What came, and from whom."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: set[str] = set()
        self.url = ""
        self.lets_go = threading.Event()
        self.lets_go.set()

    def take(self, path: str, body: bytes) -> None:
        self.lets_go.wait(30)
        self.paths.add(path)
        self.bodies.append(body)

    @property
    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    def spans(self) -> list[tuple[dict[str, str], Any]]:
        """Each span, with the attributes of the process that it is from."""
        return [
            ({each.key: each.value.string_value for each in batch.resource.attributes}, span)
            for request in self.requests
            for batch in request.resource_spans
            for scope in batch.scope_spans
            for span in scope.spans
        ]


@contextmanager
def collector() -> Iterator[Collector]:
    """One that listens on a port of its own."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.lets_go.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
