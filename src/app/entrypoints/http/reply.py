"""From what a handler returns to the bytes that answer; the encoders are made at mount."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from aiohttp import web

from app.entrypoints.http.definition import Definition, ResponseDefinition
from app.entrypoints.http.envelope import page_encoder, result_encoder
from app.entrypoints.http.links import link_header
from app.entrypoints.http.response import EncodedResponse, header_line
from app.entrypoints.http.signature import MountError

Render = Callable[[web.Request, Any], web.StreamResponse]


@attrs.frozen
class Reply:
    """A result with headers. `location` is a path below the API's base path; `etag` stands without quotes."""

    result: Any = None
    location: str | None = None
    etag: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict)


def success_of(declared: Definition) -> tuple[int, ResponseDefinition]:
    """The one declared status of success and its answer; raises MountError if there is not exactly one."""
    found = [(int(key), answer) for key, answer in declared.responses.items() if key.startswith("2") and key.isdigit()]
    if len(found) != 1:
        raise MountError(f"declare exactly one 2xx response, not {len(found)}.")
    return found[0]


def renderer(declared: Definition, base_path: str) -> Render:
    """Renders what the handler of a route returns: a value, a Reply, or a response of its own, sent as it is."""
    status, answer = success_of(declared)
    encode = _encoder(answer)
    is_page = answer.kind == "pagination"
    has_etag = "ETag" in answer.headers

    def render(request: web.Request, value: Any) -> web.StreamResponse:
        lines = ""
        if type(value) is Reply:
            if has_etag and value.etag is not None and _has_this(request, value.etag):
                return EncodedResponse(304, b"", headers_block=header_line("ETag", f'"{value.etag}"'))
            lines, value = _header_lines(value, base_path), value.result
        elif isinstance(value, web.StreamResponse):
            return value
        if is_page:
            lines += link_header(request, value)
        return EncodedResponse(status, encode(value), headers_block=lines)

    return render


def _encoder(answer: ResponseDefinition) -> Callable[[Any], bytes]:
    if answer.kind == "result":
        return result_encoder(answer.view)
    if answer.kind == "pagination":
        return page_encoder(answer.view)
    return lambda value: b""


def _header_lines(reply: Reply, base_path: str) -> str:
    lines = "".join(header_line(name, value) for name, value in reply.headers.items())
    if reply.location is not None:
        lines += header_line("Location", base_path + reply.location)
    if reply.etag is not None:
        lines += header_line("ETag", f'"{reply.etag}"')
    return lines


def _has_this(request: web.Request, etag: str) -> bool:
    """Whether a read is conditional on a state other than this one (RFC 9110, section 13.1.2)."""
    known = request.headers.get("If-None-Match")
    if known is None or request.method not in ("GET", "HEAD"):
        return False
    return any(tag.strip().removeprefix("W/") in (f'"{etag}"', "*") for tag in known.split(","))
