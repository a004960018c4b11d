"""Links from one page to the others, by offset and by cursor."""

import re

import attrs
import pytest
from aiohttp.test_utils import make_mocked_request

from app.entrypoints.http.links import link_header


@attrs.frozen
class Listed:
    limit: int
    offset: int | None = None
    total: int | None = None
    next_cursor: str | None = None
    items: tuple[object, ...] = ()


def links(page: Listed, path: str = "/posts") -> dict[str, str]:
    """The target of each link by its relation."""
    line = link_header(make_mocked_request("GET", path), page)
    return {rel: target for target, rel in re.findall(r'<([^>]*)>; rel="([a-z]+)"', line)}


@pytest.mark.parametrize(
    ("offset", "total", "expected"),
    [
        (0, 0, {}),
        (0, 10, {}),
        (0, 11, {"next": 10, "last": 10}),
        (10, 20, {"first": 0, "prev": 0}),
        (10, 35, {"first": 0, "prev": 0, "next": 20, "last": 30}),
        (5, 30, {"first": 0, "prev": 0, "next": 15, "last": 25}),
        (30, 5, {"first": 0, "prev": 0}),
        (1000, 35, {"first": 0, "prev": 30}),
        (1000, 40, {"first": 0, "prev": 30}),
        (1000, 0, {"first": 0, "prev": 0}),
        (40, 35, {"first": 0, "prev": 30}),
    ],
)
def test_offsets_lead_to_every_other_page(offset: int, total: int, expected: dict[str, int]) -> None:
    found = links(Listed(10, offset, total))
    assert found == {rel: f"/posts?limit=10&offset={place}" for rel, place in expected.items()}


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [(None, {"first": "/posts?limit=5"}), ("abc", {"first": "/posts?limit=5", "next": "/posts?limit=5&cursor=abc"})],
)
def test_a_cursor_leads_on_and_back_to_the_start(cursor: str | None, expected: dict[str, str]) -> None:
    assert links(Listed(5, next_cursor=cursor)) == expected


def test_the_rest_of_the_query_is_kept_as_it_came() -> None:
    found = links(Listed(10, 0, 11), "/posts?title=a%26b&limit=10&&offset=0&sort=id")
    assert found["next"] == "/posts?title=a%26b&sort=id&limit=10&offset=10"


def test_a_query_cannot_break_out_of_the_header() -> None:
    line = link_header(make_mocked_request("GET", "/posts?title=%0d%0aX:%3e"), Listed(10, 0, 11))
    assert line.count("\r\n") == 1
    assert line.endswith("\r\n")


def test_where_there_is_nowhere_to_go_there_is_no_header() -> None:
    assert link_header(make_mocked_request("GET", "/posts"), Listed(10, 0, 3)) == ""
