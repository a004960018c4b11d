"""`@definition`: what a handler answers to and with. The types of its arguments say what it takes."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

import attrs

from app.entrypoints.http.access import Access

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])

ResponseKind = Literal["result", "pagination", "error", "empty", "raw"]


@attrs.frozen
class ResponseDefinition:
    """One answer of a route. `headers` maps each documented header's name to its description."""

    kind: ResponseKind
    view: Any = None
    description: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)
    example: object = None
    content_type: str = "application/json"


def response(
    view: Any,
    description: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    example: object = None,
) -> ResponseDefinition:
    """The envelope of one result. `view` is its type; an object of another class is projected through it.

    `example` is a result; the document puts it into the envelope.
    """
    return ResponseDefinition("result", view, description, headers or {}, example)


def response_pagination(
    view: Any,
    description: str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    example: object = None,
) -> ResponseDefinition:
    """The envelope of a page; the handler returns an object with items, limit, offset, total and next_cursor.

    `example` is one of the items.
    """
    return ResponseDefinition("pagination", view, description, headers or {}, example)


def response_error(
    description: str | None = None, *, headers: Mapping[str, str] | None = None, example: object = None
) -> ResponseDefinition:
    """The envelope of an error, for a status or for a wildcard such as `4xx`; `example` is the whole of it."""
    return ResponseDefinition("error", None, description, headers or {}, example)


def response_empty(description: str | None = None, *, headers: Mapping[str, str] | None = None) -> ResponseDefinition:
    """No body at all, as with 204."""
    return ResponseDefinition("empty", None, description, headers or {})


def response_raw(content_type: str, description: str | None = None) -> ResponseDefinition:
    """Whatever `web.StreamResponse` the handler returns: a file, a stream, a page."""
    return ResponseDefinition("raw", None, description, content_type=content_type)


@attrs.frozen
class Definition:
    """All that is declared above a handler."""

    path: str
    methods: tuple[str, ...]
    responses: Mapping[str, ResponseDefinition]
    access: Access | None
    tags: tuple[str, ...] = ()
    summary: str | None = None
    description: str | None = None
    operation_id: str | None = None
    deprecated: bool = False
    disabled: bool = False
    body_example: object = None
    parameters: Mapping[str, str] = attrs.field(factory=dict)
    access_logged: bool = True
    idempotent: bool = False
    limited: bool = True


ATTRIBUTE = "__definition__"


def definition(
    path: str,
    responses: Mapping[str, ResponseDefinition],
    methods: str | Iterable[str] = "GET",
    *,
    access: Access | None = None,
    **documentation: Any,
) -> Callable[[Handler], Handler]:
    """Declare the route that the handler below serves.

    `responses` maps statuses (`"201"`) and wildcards (`"4xx"`) to answers; its one 2xx key is the status of
    success, and every route gets `4xx` and `5xx`. Keyword arguments: tags, summary, description (the docstring where
    it is not given), operation_id, deprecated, disabled (no route at all), body_example,
    parameters (what the names in the path are), access_logged
    (False: no access line), limited (False: answered however much is going on, and to whoever asks however often),
    idempotent (True: requests with one Idempotency-Key are carried out once).
    """
    upper = tuple(method.upper() for method in ([methods] if isinstance(methods, str) else methods))
    answers = dict(responses)
    answers.setdefault("4xx", response_error("Request error"))
    answers.setdefault("5xx", response_error("Server error"))
    documentation["tags"] = tuple(documentation.get("tags", ()))

    def declare(handler: Handler) -> Handler:
        described = {"description": handler.__doc__, **documentation}
        setattr(handler, ATTRIBUTE, Definition(path, upper, answers, access, **described))
        return handler

    return declare


def definition_of(handler: object) -> Definition | None:
    """What was declared above a handler, if anything was."""
    found = getattr(handler, ATTRIBUTE, None)
    return found if isinstance(found, Definition) else None
