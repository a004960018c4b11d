"""What every layer may know of tracing: how spans are begun, and which one is current.

Spans are made by `adapters/tracing`, and only where tracing is on; elsewhere nothing asks for any.
"""

import enum
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Protocol

Attributes = Mapping[str, str | int]
"""Named as OpenTelemetry's semantic conventions do; never values that may be secret: of queries, rows, settings."""


class Kind(enum.Enum):
    """Which side of a call a span is on."""

    SERVER = enum.auto()
    CLIENT = enum.auto()
    PRODUCER = enum.auto()


class Span(Protocol):
    """A piece of work: when it began and ended, and what it was."""

    @property
    def trace_id(self) -> str:
        """The trace it belongs to, in 32 hexadecimal digits."""
        ...

    @property
    def span_id(self) -> str:
        """Its own id, in 16 hexadecimal digits."""
        ...

    def headers(self) -> Mapping[str, str]:
        """What tells another service of it (W3C Trace Context): `traceparent`, and `tracestate` where there is one."""
        ...

    def set(self, name: str, value: str | int) -> None:
        """Say more of it."""
        ...

    def fail(self, error_type: str) -> None:
        """Say that it failed, and with which type of error; what is said first counts."""
        ...

    def end(self) -> None:
        """It is over."""
        ...


class Spans(Protocol):
    """Begins spans."""

    def begin(self, kind: Kind, name: str, attributes: Attributes) -> Span:
        """A span below the current one, for the caller to end; it doesn't become current."""
        ...

    def span(
        self, kind: Kind, name: str, attributes: Attributes, caller: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Span]:
        """A span that is current within the context, ends with it, and fails with what is raised in it.

        It is below the current one, or, where `caller` is given, below the span that these headers tell of; what they
        tell in another form than W3C's is ignored.
        """
        ...


current_span: ContextVar[Span | None] = ContextVar("current_span", default=None)
