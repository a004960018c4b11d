"""Where the calls of a client go."""

from contextlib import AbstractContextManager
from typing import Protocol


class Upstream(Protocol):
    """Where the calls of one client go: an address per attempt."""

    def pick(self) -> AbstractContextManager["Instance"]:
        """One instance, for one attempt; leaving the context says that the attempt is over.

        Raises Unavailable when none is healthy.
        """
        ...


class Instance(Protocol):
    """One address that serves an upstream."""

    @property
    def url(self) -> str:
        """The base URL, such as `http://10.0.0.1:8080`."""
        ...

    def failed(self) -> None:
        """This attempt failed in a way that counts against the instance: no connection, a 5xx, a timeout."""
        ...
