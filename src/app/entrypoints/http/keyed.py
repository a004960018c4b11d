"""What the kit needs of whoever keeps the answers of requests with a key."""

from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs


@attrs.frozen
class KeyedRequest:
    """A request with a key: who sent it, and what tells it from others (64 hexadecimal digits)."""

    caller: str
    key: str
    fingerprint: str


@attrs.frozen
class SentAnswer:
    """An answer as it is sent, but for what belongs to each sending, such as its date and its request's id."""

    status: int
    content_type: str
    headers: str
    body: bytes


class Turn(Protocol):
    """A request's hold on its key."""

    async def keep(self, make: Callable[[], Awaitable[SentAnswer]]) -> SentAnswer:
        """What `make` gives, kept together with all that it writes; if it raises, nothing of it is."""
        ...

    async def give_up(self) -> None:
        """Let the next request with this key try."""
        ...


class Once(Protocol):
    """Knows which keys were used, and for what."""

    async def turn(self, request: KeyedRequest) -> Turn | SentAnswer:
        """The answer, if there is one, or the right to make it. Raises what the kit's `translate_error` knows."""
        ...
