"""Answers of another service, kept so that they can be given again when it is away."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from typing import TypeVar, cast

from app.domain.errors import NotFound, Unavailable
from app.domain.model.store_pages import Known

T = TypeVar("T")

KEPT = 200
KEPT_FOR = timedelta(hours=24)


class LastAnswers:
    """The last good answer to each question: the `size` asked last, none older than `age`, in this process only."""

    def __init__(self, now: Callable[[], datetime], size: int = KEPT, age: timedelta = KEPT_FOR) -> None:
        self._now = now
        self._size = size
        self._age = age
        self._kept: OrderedDict[Hashable, Known[object]] = OrderedDict()

    async def ask(self, question: Hashable, ask: Callable[[], Awaitable[T]]) -> Known[T]:
        """What `ask` gives now; when it is unavailable, what it gave last to this question, marked stale.

        Raises Unavailable when it gave nothing yet. A NotFound is an answer too, and what was kept is forgotten.
        """
        try:
            known = Known(await ask(), self._now(), stale=False)
        except Unavailable:
            kept = self._kept.get(question)
            if kept is None or self._now() - kept.as_of > self._age:
                raise
            return Known(cast("T", kept.value), kept.as_of, stale=True)
        except NotFound:
            self._kept.pop(question, None)
            raise
        self._keep(question, known)
        return known

    def _keep(self, question: Hashable, known: Known[T]) -> None:
        self._kept[question] = Known(known.value, known.as_of, stale=False)
        self._kept.move_to_end(question)
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
