"""The wire format: one envelope for results, pages and errors, and the problem details of RFC 9457 on demand."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

import msgspec

from app.entrypoints.http.errors import HttpError, Violation
from app.entrypoints.http.projection import projector

_json = msgspec.json.Encoder()
_RESULT = b'{"success":true,"result":'
_PAGINATION = b',"pagination":'


class PageLike(Protocol):
    """What a paginated answer is made of."""

    @property
    def items(self) -> Any: ...

    @property
    def limit(self) -> int: ...

    @property
    def offset(self) -> int | None: ...

    @property
    def total(self) -> int | None: ...

    @property
    def next_cursor(self) -> str | None: ...


def result_encoder(view: Any) -> Callable[[Any], bytes]:
    """Encodes a value, seen through `view`, into the envelope of a result."""
    project, encode = projector(view), _json.encode

    def encode_result(value: Any) -> bytes:
        return _RESULT + encode(project(value)) + b"}"

    return encode_result


def page_encoder(view: Any) -> Callable[[PageLike], bytes]:
    """Encodes a page, each item seen through `view`, into the envelope of a page."""
    project, encode = projector(list[view]), _json.encode

    def encode_page(page: PageLike) -> bytes:
        pagination = {
            "limit": page.limit,
            "offset": page.offset,
            "total": page.total,
            "next_cursor": page.next_cursor,
        }
        return _RESULT + encode(project(page.items)) + _PAGINATION + encode(pagination) + b"}"

    return encode_page


def encode_error(error: HttpError, request_id: str) -> bytes:
    """The envelope of an error."""
    return _json.encode(
        {
            "success": False,
            "code": error.code,
            "message": error.message,
            "errors": [_violation(violation) for violation in error.errors],
            "meta": {"request_id": request_id},
        }
    )


def encode_problem(error: HttpError, request_id: str) -> bytes:
    """The same error as problem details (RFC 9457); `about:blank` says that the status tells its type."""
    return _json.encode(
        {
            "type": "about:blank",
            "title": HTTPStatus(error.status).phrase,
            "status": error.status,
            "detail": error.message,
            "code": error.code,
            "errors": [_violation(violation) for violation in error.errors],
            "request_id": request_id,
        }
    )


def _violation(violation: Violation) -> dict[str, object]:
    fields: dict[str, object] = {"code": violation.code, "message": violation.message}
    if violation.field_name is not None:
        fields["field_name"] = violation.field_name
    if violation.meta:
        fields["meta"] = violation.meta
    return fields
