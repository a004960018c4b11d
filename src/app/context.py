"""What every layer may know of the request it works for: its id and the moment by which it must be done."""

import re
import time
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(slots=True)
class RequestContext:
    """One request: its id, its deadline on `time.monotonic()` (seconds), and whether it has written.

    `traceparent` is the trace that the caller says it belongs to, as it came.
    """

    request_id: str
    deadline: float
    has_written: bool = False
    traceparent: str | None = None


EARLY = 0.005
"""Seconds before a deadline from which it counts as passed: timers may fire that early."""

current_request: ContextVar[RequestContext | None] = ContextVar("current_request", default=None)


def request_id() -> str | None:
    """The id of the request being served, or None outside of any."""
    context = current_request.get()
    return context.request_id if context else None


def traceparent() -> str | None:
    """The trace that the request's caller belongs to, where it says so in W3C's form (Trace Context, section 3.2)."""
    context = current_request.get()
    offered = context.traceparent if context is not None else None
    return offered if offered is not None and _TRACEPARENT.fullmatch(offered) else None


def caller_trace_id() -> str | None:
    """The id of that trace."""
    offered = traceparent()
    return offered.split("-")[1] if offered is not None else None


def remaining(default: float) -> float:
    """Seconds left until the request's deadline, at most `default`; `default` outside of any request.

    Never negative: a call made too late gets 0 and fails at once.
    """
    context = current_request.get()
    if context is None:
        return default
    left = context.deadline - time.monotonic()
    return max(0.0, min(default, left))


def is_out_of_time() -> bool:
    """Whether the request being served has no time left; False outside of any."""
    context = current_request.get()
    return context is not None and context.deadline - time.monotonic() <= EARLY


def note_write() -> None:
    """Remember that this request has written: what it reads from now on must hold what it wrote."""
    context = current_request.get()
    if context is not None:
        context.has_written = True


def may_read_stale() -> bool:
    """Whether a read may come from a copy that lags behind: in a request that hasn't written, and only there."""
    context = current_request.get()
    return context is not None and not context.has_written
