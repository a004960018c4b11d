"""Upstreams that need no discovery: one address, or none at all."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import attrs

from app.domain.errors import Unavailable


@attrs.frozen
class FixedInstance:
    """The one address; there is nothing else to turn to when it fails."""

    url: str

    def failed(self) -> None:
        """Nothing to do: the breaker looks after an upstream as a whole."""


@attrs.frozen
class FixedUpstream:
    """An upstream behind one base URL."""

    url: str

    @contextmanager
    def pick(self) -> Iterator[FixedInstance]:
        yield FixedInstance(self.url)


@attrs.frozen
class UnsetUpstream:
    """Stands where nobody said where the upstream is; `message` says what to set."""

    message: str

    def pick(self) -> AbstractContextManager[FixedInstance]:
        raise Unavailable(self.message)
