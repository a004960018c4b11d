"""A request, for what is only done within one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from app.context import RequestContext, current_request


@contextmanager
def in_a_request(seconds: float = 5.0) -> Iterator[None]:
    """What runs here belongs to a request that has so much time."""
    deadline = asyncio.get_running_loop().time() + seconds
    token = current_request.set(RequestContext("test", deadline))
    try:
        yield
    finally:
        current_request.reset(token)
