"""Keeps a slow upstream from taking the whole service down with it: only so many calls wait for it at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.adapters.http.errors import BulkheadFull


class Bulkhead:
    """The places of an upstream's calls. Who finds none is refused at once: a queue would only grow."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self.limit = limit
        self.taken = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one call. Raises BulkheadFull."""
        if self.taken >= self.limit:
            raise BulkheadFull(f"Too many requests wait for {self._name}. Try again later.")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
