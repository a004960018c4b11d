"""From what a handler returns to the answer: status, headers, conditions."""

from typing import Any

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from app.entrypoints.http.access import public
from app.entrypoints.http.definition import (
    Definition,
    ResponseDefinition,
    response,
    response_empty,
    response_error,
    response_pagination,
    response_raw,
)
from app.entrypoints.http.reply import Reply, renderer, success_of
from app.entrypoints.http.response import EncodedResponse
from app.entrypoints.http.signature import MountError

ETAG = {"ETag": "The version"}


@attrs.frozen
class Listed:
    items: list[int]
    limit: int = 10
    offset: int | None = 0
    total: int | None = 11
    next_cursor: str | None = None


def rendered(value: object, answer: ResponseDefinition, status: str = "200", request: Any = None) -> EncodedResponse:
    render = renderer(Definition("/it", ("GET",), {status: answer}, public), "/v1")
    found = render(request or make_mocked_request("GET", "/it"), value)
    assert isinstance(found, EncodedResponse)
    return found


def test_the_declared_status_is_the_status() -> None:
    found = rendered(1, response(int), "201")
    assert (found.status, found.encoded_body) == (201, b'{"success":true,"result":1}')


def test_a_page_links_to_the_others() -> None:
    found = rendered(Listed([1]), response_pagination(int))
    assert b'"result":[1],"pagination"' in found.encoded_body
    assert 'rel="next"' in found.headers_block


def test_nothing_is_answered_with_no_body() -> None:
    found = rendered(None, response_empty(), "204")
    assert (found.status, found.encoded_body) == (204, b"")


def test_a_reply_has_headers() -> None:
    found = rendered(Reply(1, location="/notes/1", etag="3", headers={"X-A": "b"}), response(int), "201")
    assert found.headers_block == 'X-A: b\r\nLocation: /v1/notes/1\r\nETag: "3"\r\n'


@pytest.mark.parametrize(
    "reply",
    [Reply(1, location="/a\r\nX: y"), Reply(1, etag='1"\nX: y'), Reply(1, headers={"X": "\0"}), Reply(1, etag="é😀")],
)
def test_a_header_that_would_break_its_line_is_not_sent(reply: Reply) -> None:
    with pytest.raises(ValueError, match=r"line break|latin-1"):
        rendered(reply, response(int))


@pytest.mark.parametrize("value", [web.Response(text="own"), web.StreamResponse(), EncodedResponse(418, b"")])
def test_a_response_of_the_handlers_own_is_sent_as_it_is(value: web.StreamResponse) -> None:
    render = renderer(Definition("/it", ("GET",), {"200": response_raw("text/plain")}, public), "")
    assert render(make_mocked_request("GET", "/it"), value) is value


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ('"3"', 304),
        ('W/"3"', 304),
        ('"1", "3"', 304),
        ("*", 304),
        ('"2"', 200),
        ("3", 200),
        ("", 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_knows_this_version_is_not_sent_it_again(known: str, status: int, method: str) -> None:
    request = make_mocked_request(method, "/it", headers={"If-None-Match": known})
    found = rendered(Reply(1, etag="3"), response(int, headers=ETAG), request=request)
    assert found.status == status
    assert 'ETag: "3"' in found.headers_block
    assert (found.encoded_body == b"") is (status == 304)


def test_a_change_is_answered_whatever_the_caller_knows() -> None:
    request = make_mocked_request("PUT", "/it", headers={"If-None-Match": '"3"'})
    assert rendered(Reply(1, etag="3"), response(int, headers=ETAG), request=request).status == 200


def test_a_route_that_declares_no_etag_answers_no_condition() -> None:
    request = make_mocked_request("GET", "/it", headers={"If-None-Match": '"3"'})
    assert rendered(Reply(1, etag="3"), response(int), request=request).status == 200


@pytest.mark.parametrize("keys", [[], ["200", "201"], ["2xx"], ["404"]])
def test_there_is_one_status_of_success(keys: list[str]) -> None:
    declared = Definition("/it", ("GET",), {key: response_error() for key in keys}, public)
    with pytest.raises(MountError, match="exactly one 2xx"):
        success_of(declared)
