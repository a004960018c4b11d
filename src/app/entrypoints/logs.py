"""Structured logs: one JSON object a line, or readable lines on a terminal. Libraries' records take the same way."""

import logging
import reprlib
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
import structlog

from app.context import caller_trace_id, request_id
from app.tracing import current_span

Fields = dict[str, Any]

FIELDS = "fields"
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", FIELDS}
_QUIET = ("asyncio", "aiosqlite", "yoyo", "urllib3")
_OFF = (
    "stamina",  # who retries says so itself, and what went wrong
    "aiohttp.access",  # the service writes access lines of its own
    "opentelemetry.exporter",  # several lines for each batch that a collector doesn't take; see ToldOnce
    "opentelemetry.trace",  # it quotes what callers send as their trace
)

# Also for objects whose repr fails or never ends: reprlib answers for them.
_shorten = reprlib.Repr()
_shorten.maxother = _shorten.maxstring = _shorten.maxlong = 2000
_shorten.maxlist = _shorten.maxtuple = _shorten.maxdict = _shorten.maxset = _shorten.maxfrozenset = 100
_encoder = msgspec.json.Encoder(enc_hook=_shorten.repr)


def configure_logs(
    level: str, *, as_json: bool, stream: TextIO | None = None, constant: Mapping[str, Any] | None = None
) -> None:
    """Send every record of logging and of structlog to `stream` (standard error), from `level` on.

    As one line of JSON each, whatever is logged, or else as lines for people. Each line has the `constant` fields.
    """
    stream = stream or sys.stderr
    handler = LogHandler(stream, json_line if as_json else console_line(colors=stream.isatty()), constant)
    logging.getLogger().handlers[:] = [handler]
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _OFF:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.contextvars.merge_contextvars, _to_logging],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    set_level(level)


def logged_as_json() -> bool:
    """Whether the logs of this process are lines of JSON."""
    return any(isinstance(handler, LogHandler) and handler.is_json for handler in logging.getLogger().handlers)


def set_level(level: str) -> None:
    """Log from `level` on (`DEBUG` … `CRITICAL`); works while the service runs. Raises ValueError for another name."""
    root = logging.getLogger()
    root.setLevel(level)
    for handler in root.handlers:
        if isinstance(handler, LogHandler):
            # Loggers with a level of their own pass the root's by.
            handler.setLevel(level)


class LogHandler(logging.Handler):
    """Writes records as lines of UTF-8; one that cannot be rendered leaves a line that says so."""

    def __init__(
        self, stream: TextIO, render: Callable[[Fields], str], constant: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self._stream = stream
        self._render = render
        self._constant = dict(constant or {})

    @property
    def is_json(self) -> bool:
        """Whether its lines are for programs."""
        return self._render is json_line

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(self._render(fields_of(record) | self._constant))
        except Exception:  # a logged object's own code may fail in any way, and no request may fail for it
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Say that a record was lost, and which; logging's own way prints a traceback that is no JSON."""
        failure = sys.exc_info()[0]
        fields = _head(record) | {
            "event": "a record could not be logged",
            "record": _shorten.repr(record.msg),
            "where": f"{record.pathname}:{record.lineno}",
            "error": failure.__name__ if failure else "",
        }
        with suppress(OSError, ValueError):
            self._write(self._render(fields))

    def _write(self, line: str) -> None:
        encoded = (line + "\n").encode("utf-8", "backslashreplace")
        buffer = getattr(self._stream, "buffer", None)
        if buffer is None:
            self._stream.write(encoded.decode())
        else:
            self._stream.flush()
            buffer.write(encoded)
        self._stream.flush()


def fields_of(record: logging.LogRecord) -> Fields:
    """What a line says: when, how grave, who, what; then the request's id, what was passed along, and the traceback."""
    fields = _head(record) | {"event": record.getMessage()}
    current = request_id()
    if current is not None:
        fields["request_id"] = current
    fields |= _trace()
    extra = {name: value for name, value in vars(record).items() if name not in _OWN}
    for name, value in (extra | getattr(record, FIELDS, {})).items():
        fields[f"{name}_" if name in fields else name] = value
    if record.exc_info:
        fields["exception"] = logging.Formatter().formatException(record.exc_info)
    if record.stack_info:
        fields["stack"] = record.stack_info
    return fields


def _trace() -> Fields:
    """The span that the line belongs to; where tracing is off, the trace that the caller belongs to."""
    span = current_span.get()
    if span is not None:
        return {"trace_id": span.trace_id, "span_id": span.span_id}
    trace_id = caller_trace_id()
    return {"trace_id": trace_id} if trace_id is not None else {}


def _head(record: logging.LogRecord) -> Fields:
    return {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
    }


def json_line(fields: Mapping[str, Any]) -> str:
    """One line of JSON, whatever the fields hold: other objects become their repr."""
    try:
        return _encoder.encode(fields).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        # Keys that are no text, integers over 64 bits, lone surrogates, depth without end.
        return _encoder.encode({_plain(key): _plain(value) for key, value in fields.items()}).decode()


def _plain(value: Any) -> str:
    text = value if isinstance(value, str) else _shorten.repr(value)
    return text.encode("utf-8", "backslashreplace").decode()


def console_line(*, colors: bool) -> Callable[[Fields], str]:
    """Renders lines for people. Its tracebacks show no local variables: they may hold secrets."""
    render = structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)

    def line(fields: Fields) -> str:
        event = fields["event"]
        # What is logged may come from outside: it must not move the terminal's cursor.
        shown = event if event.isprintable() else repr(event)
        return str(render(None, "", fields | {"event": shown}))

    return line


def _to_logging(_: Any, __: str, event: Any) -> tuple[tuple[str], dict[str, Any]]:
    """The end of structlog's chain: hands over to logging, with the fields under one name, so that none collides."""
    passed = {name: event.pop(name) for name in ("exc_info", "stack_info", "stacklevel") if name in event}
    text = event.pop("event", "")
    return (str(text),), {"extra": {FIELDS: event}, **passed}
