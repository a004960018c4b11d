"""Reading a JSON body within its limits."""

import asyncio
import zlib

import attrs
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from app.context import remaining
from app.entrypoints.http.errors import HttpError, MalformedRequest

BROKEN_BODY = "BROKEN_BODY"


@attrs.define
class BodyLimits:
    """What a body may cost: bytes (after decompression), and seconds to arrive. May be changed while serving."""

    size: int = 2**20
    seconds: float = 4.0


async def read_body(request: web.Request, limits: BodyLimits) -> bytes:
    """The body of a JSON request.

    Raises HttpError 408, 413 and 415, and MalformedRequest when the body's encoding is broken.
    """
    limit = limits.size
    content_type = request.headers.get("Content-Type")
    if content_type != "application/json":
        _require_json(content_type)
    if request.content_length is not None and request.content_length > limit:
        raise too_large(limit)
    try:
        if request.content.is_eof():
            return await _read(request, limit)
        async with asyncio.timeout(remaining(limits.seconds)):
            return await _read(request, limit)
    except TimeoutError as error:
        raise HttpError(408, "BODY_TOO_SLOW", "Send the body faster, or less of it.") from error
    except (HttpProcessingError, web.RequestPayloadError, zlib.error) as error:
        request.content.feed_eof()  # else aiohttp would go on reading, fail again, and log a traceback
        raise MalformedRequest(BROKEN_BODY, "Send the body whole and in the encoding that its headers name.") from error


async def _read(request: web.Request, limit: int) -> bytes:
    # `request.read()` knows only the limit that the application was made with.
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def too_large(limit: int) -> HttpError:
    """413, telling the limit."""
    return HttpError(413, "BODY_TOO_LARGE", f"Send at most {limit} bytes.")


def _require_json(content_type: str | None) -> None:
    media_type, _, parameters = (content_type or "").partition(";")
    if media_type.strip().lower() != "application/json":
        raise HttpError(415, "UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json.", headers=_ACCEPTS_JSON)
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise HttpError(415, "UNSUPPORTED_CHARSET", "Send the body in UTF-8.", headers=_ACCEPTS_JSON)


_ACCEPTS_JSON = {"Accept-Post": "application/json"}
