"""Answers to what no route has seen: what is no HTTP, or more of it than is read."""

from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError, LineTooLong

from app.entrypoints.http.endpoint import UNEXPECTED, error_response
from app.entrypoints.http.errors import HttpError, not_found
from app.entrypoints.http.request_ids import RequestIds

IDS = RequestIds()
TOO_MANY = "Too many headers received"
"""aiohttp has no class for this. pyproject.toml pins aiohttp, and a test sends too many."""

_ENCODINGS = {"Accept-Encoding": "gzip, deflate"}
"""In an answer it tells what a request may be encoded in (RFC 9110, section 12.5.3)."""


def refusal(error: BaseException, line_limit: int) -> HttpError:
    """Why the parser refused a request. `line_limit` is that of the request line, and of nothing else."""
    if isinstance(error, LineTooLong) and error.args[1] == line_limit:
        return HttpError(414, "URI_TOO_LONG", f"Send a path with query of at most {line_limit} bytes.")
    if isinstance(error, LineTooLong) or error.args == (TOO_MANY,):
        return HttpError(431, "HEADERS_TOO_LARGE", "Send fewer or smaller headers.")
    if isinstance(error, ContentEncodingError):
        return HttpError(
            415, "UNSUPPORTED_ENCODING", "Send the body as it is, or in gzip or deflate.", headers=_ENCODINGS
        )
    return refusal_by_status(HTTPStatus.BAD_REQUEST)


def refusal_by_status(status: int) -> HttpError:
    """The error behind a status that aiohttp decided on."""
    if status == HTTPStatus.NOT_FOUND:
        return not_found()
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return HttpError(status, "BAD_REQUEST", "Send a well-formed HTTP request, with a method of HTTP.")
    return UNEXPECTED


def unrouted_response(request: web.BaseRequest, error: HttpError) -> web.StreamResponse:
    """The answer, after which the connection is closed."""
    request_id = IDS.id_for(None)
    response = error_response(request, error, request_id)
    response.headers_block += f"X-Request-ID: {request_id}\r\n"
    response.force_close()
    return response
