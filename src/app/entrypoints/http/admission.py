"""Load shedding: a worker takes on only so much at once, and refuses the rest while that is still cheap.

Without a limit every request waits for all the others, until all of them are too late; docs/decisions/load-shedding.md.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from app.entrypoints.http.errors import HttpError

Handler = Callable[..., Awaitable[Any]]


class Overloaded(HttpError):
    """The service works on as much as it can; nothing was done for this request."""

    def __init__(self) -> None:
        super().__init__(
            503, "OVERLOADED", "The service has too much to do. Try again in a second.", headers={"Retry-After": "1"}
        )


class Admission:
    """The handlers at work. A place is held only while a handler runs: who sends its body slowly holds none."""

    def __init__(self, limit: int = 128) -> None:
        self.limit = limit
        self.running = 0

    def check(self) -> None:
        """Raise Overloaded when every place is taken."""
        if self.running >= self.limit:
            raise Overloaded

    def guarded(self, handler: Handler) -> Handler:
        """`handler`, which takes a place for as long as it runs, or else raises Overloaded."""

        async def admitted(**arguments: Any) -> Any:
            self.check()
            self.running += 1
            try:
                return await handler(**arguments)
            finally:
                self.running -= 1

        return admitted
