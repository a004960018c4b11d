"""From a request to a handler's typed arguments. All that the types say is worked out once, at mount."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
from aiohttp import web

from app.entrypoints.http.admission import NO_LIMIT, Admission, Overloaded
from app.entrypoints.http.body import BodyLimits, read_body
from app.entrypoints.http.converters import body_decoder, header_reader, not_utf8, path_reader, query_reader
from app.entrypoints.http.direct import path_values
from app.entrypoints.http.errors import ValidationFailed, Violation
from app.entrypoints.http.signature import Signature

Read = Callable[[web.Request], Any]
ReadBody = Callable[[web.Request, dict[str, Any]], Awaitable[Sequence[Violation]]]
Call = Callable[[web.Request], Awaitable[Any]]

CALLER: web.RequestKey[Any] = web.RequestKey("caller", object)
BODY: web.RequestKey[bytes] = web.RequestKey("body", bytes)
"""The body as it was read; there is none where the handler takes none."""


@attrs.frozen
class CallLimits:
    """What a call may cost: how many there may be at once, and what its body may cost."""

    admission: Admission = NO_LIMIT
    body: BodyLimits = attrs.field(factory=BodyLimits)


def bind(
    handler: Callable[..., Awaitable[Any]], signature: Signature, limits: CallLimits, *, any_query: bool = False
) -> Call:
    """Calls `handler` with the arguments that a request holds for it.

    A handler that takes no query refuses any parameter, unless `any_query` (who links to a file may add some).
    The call raises ValidationFailed with every violation of path, query, headers and body at once, and
    MalformedRequest or HttpError 408/413/415 for a body that cannot be read, and Overloaded.
    """
    read_plain, add_body = _plain_reader(signature, any_query=any_query), _body_reader(signature, limits.body)
    admission = limits.admission

    async def call(request: web.Request) -> Any:
        arguments, violations = read_plain(request)
        if add_body is not None:
            violations += await add_body(request, arguments)
        if violations:
            raise ValidationFailed(violations)
        if admission.running >= admission.limit:
            raise Overloaded
        admission.running += 1
        try:
            return await handler(**arguments)
        finally:
            admission.running -= 1

    return call


def _plain_reader(
    signature: Signature, *, any_query: bool
) -> Callable[[web.Request], tuple[dict[str, Any], list[Violation]]]:
    """Reads all arguments but the body, and finds what is wrong with them."""
    readers = _readers(signature)
    refuses_query = signature.query is None and not any_query

    def read_plain(request: web.Request) -> tuple[dict[str, Any], list[Violation]]:
        arguments: dict[str, Any] = {}
        violations = _unknown(request) if refuses_query and request.rel_url.raw_query_string else []
        for name, read in readers:
            try:
                arguments[name] = read(request)
            except ValidationFailed as error:
                violations.extend(error.errors)
        return arguments, violations

    return read_plain


def _body_reader(signature: Signature, limits: BodyLimits) -> ReadBody | None:
    """Adds the body to the arguments, and gives what is wrong with it; None where the handler takes none."""
    if signature.body is None:
        return None
    decode = body_decoder(signature.body)

    async def add_body(request: web.Request, arguments: dict[str, Any]) -> Sequence[Violation]:
        body = request[BODY] = await read_body(request, limits)
        try:
            arguments["body"] = decode(body)
        except ValidationFailed as error:
            return error.errors
        return ()

    return add_body


def _unknown(request: web.Request) -> list[Violation]:
    return [Violation("UNKNOWN_FIELD", "This is no parameter here.", name) for name in request.query]


def _readers(signature: Signature) -> list[tuple[str, Read]]:
    readers = [(name, _from_path(name, type_)) for name, type_ in signature.path.items()]
    if signature.query is not None:
        readers.append(("query", _from_query(signature.query)))
    if signature.headers is not None:
        readers.append(("headers", _from_headers(signature.headers)))
    if signature.takes_request:
        readers.append(("request", lambda request: request))
    if signature.takes_caller:
        readers.append(("caller", lambda request: request[CALLER]))
    return readers


def _from_path(name: str, type_: Any) -> Read:
    read = path_reader(name, type_)
    return lambda request: read(path_values(request)[name])


def _from_query(type_: Any) -> Read:
    read = query_reader(type_)

    def read_query(request: web.Request) -> Any:
        raw = request.rel_url.raw_query_string
        if "%" in raw and (violations := not_utf8(raw)):
            raise ValidationFailed(violations)
        return read(request.query)

    return read_query


def _from_headers(type_: Any) -> Read:
    read = header_reader(type_)
    return lambda request: read(request.headers)
