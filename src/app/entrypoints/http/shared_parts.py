"""Headers that many operations have in common, as components of the OpenAPI document, which refers to them by name."""

from collections.abc import Iterator
from typing import Any

from apispec import APISpec

from app.entrypoints.http.deadline import SECONDS, TIMEOUT_HEADER
from app.entrypoints.http.definition import Definition
from app.entrypoints.http.idempotency import FORM, HEADER, REPLAYED

IDEMPOTENCY_KEY = "IdempotencyKey"
_TEXT = {"type": "string"}
_REQUEST_PARTS: dict[str, dict[str, Any]] = {
    IDEMPOTENCY_KEY: {
        "name": HEADER,
        "schema": {"type": "string", "pattern": f"^{FORM}$"},
        "description": "Requests with one key are carried out once, and all get the same answer; with something else "
        "in them they get 422, and 409 while the first is at work",
    },
    "RequestTimeout": {
        "name": str(TIMEOUT_HEADER),
        "schema": {"type": "string", "pattern": f"^{SECONDS}$", "examples": ["2.5"]},
        "description": "Seconds, above 0, after which the caller needs no answer any more: it gets 504 then",
    },
}
_ANSWER_PARTS = {
    "RequestId": "The request's id, as in the logs",
    "Replayed": "`true` on an answer that was given before",
    "RateLimit": "How many requests the caller has left (r), and the seconds until it has all of them again (t)",
    "RateLimitPolicy": "How many requests a caller may send at once (q), and in how many seconds they come again (w)",
    "RetryAfter": "Seconds after which it makes sense to try again, where it does",
}

FOR_EVERY_OPERATION = (
    f"Every operation takes `{TIMEOUT_HEADER}` (components, RequestTimeout): the seconds after which its caller needs "
    "no answer any more, if that is less than the service allows. It takes `X-Request-ID` too, and returns it; one is "
    "made where there is none."
)
"""Told once and not as parameters: who makes requests from the document would make some that have no time at all."""


def register(spec: APISpec) -> None:
    """Make them known to a document; but for what every operation takes, only those that are referred to show up."""
    for name, part in _REQUEST_PARTS.items():
        spec.components.parameter(name, "header", {"required": False, **part}, lazy=name == IDEMPOTENCY_KEY)
    for name, description in _ANSWER_PARTS.items():
        spec.components.header(name, {"description": description, "schema": _TEXT}, lazy=True)


def answer_headers(declared: Definition, status: str, *, metered: bool) -> Iterator[tuple[str, str]]:
    """The headers that an answer has whatever its handler does: names, and what they are as components.

    `metered`: whether callers are told how often they may ask.
    """
    yield "X-Request-ID", "RequestId"
    if declared.idempotent:
        yield REPLAYED, "Replayed"
    may_wait = {"409", "4xx"} if declared.idempotent else set()
    if metered and declared.limited:
        may_wait |= {"429", "4xx"}
        if status.startswith("2") or status in ("429", "4xx"):
            yield "RateLimit", "RateLimit"
            yield "RateLimit-Policy", "RateLimitPolicy"
    if status.startswith("5") or status in may_wait:
        yield "Retry-After", "RetryAfter"
