"""Access lines that name the trace and the span of their request."""

from typing import TextIO

from app.entrypoints.http.access_log import AccessLog, Line, encode_json, encode_text
from app.tracing import current_span

NONE = b""


class TracedAccessLog(AccessLog):
    """The access log where tracing is on."""

    def __init__(self, *, as_json: bool, stream: TextIO | None = None) -> None:
        super().__init__(as_json=as_json, stream=stream)
        self._ids: list[tuple[bytes, bytes]] = []
        self._encode = self._encode_json if as_json else self._encode_text

    def record(
        self, method: str, path: str, status: int, duration: float, request_id: str, size: int, remote: str | None
    ) -> None:
        """Take down one request, in the context of its span."""
        span = current_span.get()
        self._ids.append((span.trace_id.encode(), span.span_id.encode()) if span is not None else (NONE, NONE))
        super().record(method, path, status, duration, request_id, size, remote)

    def _encode_json(self, lines: list[Line]) -> bytes:
        # The ids are digits, and a line ends its object: nothing is left to escape.
        return b"".join(
            b'%b,"trace_id":"%b","span_id":"%b"}\n' % (line.removesuffix(b"}"), *ids)
            for line, ids in zip(_lines(encode_json(lines)), self._taken(), strict=True)
        )

    def _encode_text(self, lines: list[Line]) -> bytes:
        return b"".join(
            b"%b %b\n" % (line, trace_id)
            for line, (trace_id, _) in zip(_lines(encode_text(lines)), self._taken(), strict=True)
        )

    def _taken(self) -> list[tuple[bytes, bytes]]:
        ids, self._ids = self._ids, []
        return ids


def _lines(encoded: bytes) -> list[bytes]:
    return encoded.removesuffix(b"\n").split(b"\n")
