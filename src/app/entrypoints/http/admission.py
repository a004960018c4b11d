"""Load shedding: a worker takes on only so much at once, and refuses the rest while that is still cheap.

Without a limit every request waits for all the others, until all of them are too late;
docs/decisions/0020-load-shedding.md.
"""

import sys

from app.entrypoints.http.errors import HttpError


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


NO_LIMIT = Admission(sys.maxsize)
"""For what is answered however much is going on."""
