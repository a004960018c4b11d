"""Where the calls of one client go: a fixed address, or the instances of a service that somebody keeps current."""

from contextlib import AbstractContextManager
from typing import Protocol


class Instance(Protocol):
    """One place that answers: `url` is its base, such as `http://10.0.0.1:8080`."""

    @property
    def url(self) -> str: ...

    def failed(self) -> None:
        """This attempt failed in a way that counts against the instance: no connection, a 5xx, no answer in time."""
        ...


class Upstream(Protocol):
    """Where the calls of one client go: an address for each attempt."""

    def pick(self) -> AbstractContextManager[Instance]:
        """An instance for one attempt; leaving the context says that the call is over.

        Raises Unavailable when none is healthy.
        """
        ...
