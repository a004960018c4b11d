"""What is asked of every server, as bytes, and the posts that it finds in its storage."""

import itertools
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

POSTS = 10_000
START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


def rows() -> Iterator[dict[str, Any]]:
    """The posts that are there before a measurement, each with two features."""
    for number in range(1, POSTS + 1):
        yield {
            "id": number,
            "title": f"A title of usual length, no. {number}",
            "content": "Some content of usual length. " * 5,
            "additional_data": {"language": "en", "tags": ["a", "b"], "minutes": number % 60},
            "created_at": START + timedelta(seconds=number),
            "features": [
                {"id": 2 * number - 1, "feature_name": "comments", "is_active": True},
                {"id": 2 * number, "feature_name": "likes", "is_active": True},
            ],
        }


Case = Callable[[str], Iterator[bytes]]
"""Endless requests, given further header lines."""


def get(paths: Callable[[], list[str]]) -> Case:
    """A case that reads these paths over and over."""
    return lambda headers: itertools.cycle([_get(path, headers) for path in paths()])


def _get(path: str, headers: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n{headers}\r\n".encode()


def _some_posts() -> list[str]:
    ids = random.Random(1).sample(range(1, POSTS + 1), 5000)
    return [f"/api/v1/posts/{post_id}" for post_id in ids]


def _publish(headers: str) -> Iterator[bytes]:
    for number in _numbers:
        body = msgspec.json.encode(
            {
                "title": f"A new title, no. {number}",
                "content": "Some content of usual length. " * 5,
                "additional_data": {"language": "en", "tags": ["a", "b"], "minutes": 3},
                "features": [{"feature_name": "comments", "is_active": True}, {"feature_name": "likes"}],
            }
        )
        head = (
            "POST /api/v1/posts HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        )
        yield head.encode() + body


HEALTH, ONE, PAGE, PUBLISH = "health JSON", "one post by id", "page of 20 with total", "create a post"
CASES: dict[str, Case] = {
    HEALTH: get(lambda: ["/health/live"]),
    ONE: get(_some_posts),
    PAGE: get(lambda: [f"/api/v1/posts?limit=20&offset={20 * number}" for number in range(50)]),
    PUBLISH: _publish,
}
STATUSES = {PUBLISH: 201}
