"""Where the repositories' statements run."""

from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Protocol

from app.adapters.gathering import Gatherable, Key


class Statements(Protocol):
    """Where statements run: the pool, each on its own, or a transaction."""

    async def read(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[tuple[Any, ...]]: ...

    def gather(self, query: Gatherable, key: Key) -> Awaitable[Sequence[tuple[Any, ...]]]: ...

    async def write(self, sql: str, parameters: Iterable[object] = ()) -> Sequence[tuple[Any, ...]]: ...
