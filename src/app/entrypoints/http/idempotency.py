"""Requests that may be repeated: of all that carry one `Idempotency-Key`, one is carried out and all get its answer.

As at Stripe, and much as in the IETF's draft-ietf-httpapi-idempotency-key-header: the key belongs to its caller,
another request with it is refused (422), and so is one that comes while the first is at work (409). A request that is
not acceptable leaves no trace. Whatever the handler answered is repeated, its refusals (4xx) as well, but no 5xx.
"""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
from aiohttp import web

from app.context import request_id
from app.entrypoints.http.binding import BODY, CALLER
from app.entrypoints.http.endpoint import HttpKit, error_response
from app.entrypoints.http.errors import HttpError, MalformedRequest
from app.entrypoints.http.keyed import KeyedRequest, Once, SentAnswer, Turn
from app.entrypoints.http.reply import Render, success_of
from app.entrypoints.http.response import EncodedResponse, header_line
from app.entrypoints.http.signature import MountError, Operation, Signature

HEADER = "Idempotency-Key"
FORM = "[!-~]{1,255}"
REPLAYED = "Idempotent-Replayed"
SAFE = ("GET", "HEAD", "OPTIONS")

Handler = Callable[..., Awaitable[Any]]


def answered_once(operation: Operation, kit: HttpKit, render: Render) -> tuple[Handler, Signature]:
    """The operation's handler and signature, so that a request with a key gets what the first one with it got.

    Raises MountError where keys could have no owner or nothing to protect.
    """
    once, handler, takes_request = _keeper(operation, kit), operation.handler, operation.signature.takes_request

    async def answer(request: web.Request, **arguments: Any) -> Any:
        if takes_request:
            arguments["request"] = request
        key = key_of(request)
        if key is None:
            return await handler(**arguments)
        turn = await once.turn(KeyedRequest(request[CALLER].subject, key, fingerprint(request, request.get(BODY, b""))))
        if isinstance(turn, SentAnswer):
            return _response(turn, header_line(REPLAYED, "true"))

        async def make() -> SentAnswer:
            return _as_sent(render(request, await handler(**arguments)))

        return await _answer(request, turn, make, kit)

    return answer, attrs.evolve(operation.signature, takes_request=True)


def _keeper(operation: Operation, kit: HttpKit) -> Once:
    """What keeps the answers. Raises MountError where there is none, or no reason to."""
    declared = operation.definition
    if kit.once is None:
        raise MountError("the kit has nothing (`once`) that keeps answers.")
    if declared.access is None or declared.access.is_public or operation.method in SAFE:
        raise MountError("only a route that changes something and has known callers is idempotent by key.")
    if success_of(declared)[1].kind == "raw":
        raise MountError("a response of the handler's own can't be kept: none of its routes is idempotent by key.")
    return kit.once


async def _answer(
    request: web.Request, turn: Turn, make: Callable[[], Awaitable[SentAnswer]], kit: HttpKit
) -> EncodedResponse:
    try:
        return _response(await turn.keep(make))
    except Exception as error:
        # Whatever failed, the key must not stay claimed; what is no lasting answer is raised on.
        failure = error if isinstance(error, HttpError) else kit.translate_error(error)
        if failure is None or failure.status >= 500 or failure.headers.get("Retry-After"):
            await turn.give_up()
            raise
        refusal = _as_sent(error_response(request, failure, request_id() or ""))

    async def refuse() -> SentAnswer:
        return refusal

    return _response(await turn.keep(refuse))


def key_of(request: web.Request) -> str | None:
    """The request's key, if it has one. Raises MalformedRequest for one that is none."""
    found = request.headers.getall(HEADER, ())
    if not found:
        return None
    if len(found) > 1 or not re.fullmatch(FORM, found[0]):
        raise MalformedRequest(
            "INVALID_IDEMPOTENCY_KEY", f"Send one {HEADER} of 1 to 255 visible ASCII characters.", field_name=HEADER
        )
    return found[0]


def fingerprint(request: web.Request, body: bytes) -> str:
    """What two tries of one request have in common: method, path with query, and body."""
    head = json.dumps([request.method, request.path_qs])
    return hashlib.sha256(head.encode() + b"\n" + body).hexdigest()


def _as_sent(response: web.StreamResponse) -> SentAnswer:
    if type(response) is not EncodedResponse:
        raise TypeError("A handler that is idempotent by key returns no response of its own.")
    return SentAnswer(response.status, response.content_type_line, response.headers_block, bytes(response.encoded_body))


def _response(sent: SentAnswer, more: str = "") -> EncodedResponse:
    return EncodedResponse(sent.status, sent.body, sent.content_type, sent.headers + more)
