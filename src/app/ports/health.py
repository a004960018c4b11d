"""What the application needs of anything that it opens at start and closes at the end."""

from collections.abc import Mapping
from typing import Protocol

import attrs


@attrs.frozen
class PoolUsage:
    """How busy a pool is, in connections: open, lent out, and the callers waiting for one."""

    size: int
    in_use: int
    waiting: int


class Resource(Protocol):
    """Something to open before the first request and to close after the last. Making it does no I/O."""

    async def open(self) -> None:
        """Make it usable; raises Unavailable, naming the setting at fault, when that fails within its time."""
        ...

    async def close(self) -> None:
        """Give back all that it holds; closing what is closed, or was never opened, does nothing."""
        ...


class Pool(Resource, Protocol):
    """Connections to a storage, shared by all requests."""

    @property
    def name(self) -> str:
        """The pool's name in settings and metrics, such as `primary`."""
        ...

    @property
    def is_required(self) -> bool:
        """Whether the service is not ready without it; a replica's work can be done by the primary."""
        ...

    @property
    def where(self) -> str:
        """The setting that tells where the storage is, and what it tells, without secrets."""
        ...

    async def ping(self) -> None:
        """Raise Unavailable unless the storage answers now, and Refused where it answers and lets nobody in.

        The message is for the operator: the setting, the address, and what the server says.
        """
        ...

    def usage(self) -> PoolUsage:
        """How busy it is now, without I/O."""
        ...

    def failures(self) -> Mapping[str, int]:
        """How often its calls failed for reasons of the storage, by the code of the error."""
        ...
