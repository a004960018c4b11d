"""The service's own routes are all found without the router, but for those whose handlers make the response."""

from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from app.container import Container
from app.entrypoints.app import create_app
from app.entrypoints.http.direct import DIRECT
from tests.e2e.service import settings_in

APP = create_app(Container(settings=settings_in(Path("unused"))))


def test_nothing_else_has_a_say_in_where_requests_go() -> None:
    assert APP[DIRECT].agrees_with(APP)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/health/live"),
        ("GET", "/api/v1/posts?limit=20"),
        ("GET", "/api/v1/posts/1"),
        ("POST", "/api/v1/posts"),
        ("PUT", "/api/v1/posts/1"),
        ("DELETE", "/api/v1/posts/1"),
        ("GET", "/api/v1/features"),
    ],
)
def test_it_is_found_at_once(method: str, path: str) -> None:
    assert APP[DIRECT].find(make_mocked_request(method, path)) is not None
