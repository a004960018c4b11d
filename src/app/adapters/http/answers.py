"""From an answer to the object that the call asked for, or to the domain's kind of error."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import msgspec

from app.adapters.http.call import Call
from app.adapters.http.errors import (
    CallRefused,
    UnusableAnswer,
    UpstreamError,
    UpstreamFailed,
    UpstreamMissing,
    UpstreamOverloaded,
)
from app.adapters.http.exchange import Incoming

T = TypeVar("T")

_SECONDS = re.compile(r"[0-9]{1,9}")
_NOTHING = type(None)


def read_answer(name: str, call: Call[T], incoming: Incoming) -> T:
    """What `call` asked for. Raises UpstreamMissing, CallRefused and the kinds of UpstreamFailed."""
    if not 200 <= incoming.status < 300:
        raise _refusal(name, incoming)
    if call.answer is _NOTHING:
        return msgspec.convert(None, call.answer)
    if incoming.body is None:
        raise _unusable(name, "its body is too large")
    if not incoming.content_type.endswith(("/json", "+json")):
        raise _unusable(name, f"it is {incoming.content_type}")
    try:
        return msgspec.json.decode(incoming.body, type=call.answer)
    except (ValueError, RecursionError) as error:
        raise _unusable(name, str(error)) from error


def _unusable(name: str, detail: str) -> UnusableAnswer:
    return UnusableAnswer(f"{name} gave no usable answer. Try again later.", detail)


def _refusal(name: str, incoming: Incoming) -> Exception:
    status, detail = incoming.status, f"it answered {incoming.status}"
    if status in (404, 410):
        return UpstreamMissing(f"{name} doesn't have this.")
    if status == 429 or status >= 500:
        kind: type[UpstreamFailed] = UpstreamOverloaded if status == 429 else UpstreamError
        return kind(f"{name} cannot answer now. Try again later.", detail, retry_after=seconds_of(incoming.retry_after))
    if status >= 400:
        return CallRefused(f"{name} refused the request ({status}).")
    return _unusable(name, detail)


def seconds_of(retry_after: str | None) -> float:
    """The seconds that a Retry-After header asks for (RFC 9110, section 10.2.3); 0 where it says nothing sensible."""
    if retry_after is None:
        return 0.0
    if _SECONDS.fullmatch(retry_after):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
