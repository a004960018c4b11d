"""What the use cases need of a storage of answers that are given once and repeated."""

from datetime import datetime
from typing import Protocol

from app.domain.model.idempotency import Attempt, KeptAnswer


class KeptAnswers(Protocol):
    """The answers that are kept in a unit of work."""

    async def keep(self, attempt: Attempt, answer: KeptAnswer, until: datetime) -> None:
        """Keep the answer under the attempt's key until then. Raises KeyInUse if another attempt took it over."""
        ...


class IdempotencyRepository(KeptAnswers, Protocol):
    """Keys, each claimed by one attempt at a time, and the answers kept under them. May raise Unavailable.

    What is stored under a key is forgotten when its time is over; the times come from the caller.
    """

    async def claim(self, attempt: Attempt, now: datetime, until: datetime) -> KeptAnswer | None:
        """Make the key this attempt's until then; the answer, if one is kept. Of racing attempts one gets the key.

        Done at once, in no unit of work. Raises KeyReused, and KeyInUse while another attempt has it.
        """
        ...

    async def release(self, attempt: Attempt) -> None:
        """Forget the key, if it is still this attempt's and has no answer."""
        ...

    async def purge(self, now: datetime, limit: int) -> int:
        """Remove at most `limit` keys whose time is over; how many."""
        ...
