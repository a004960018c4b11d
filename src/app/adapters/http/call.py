"""A call of another service, as a client of it describes it."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import attrs

from app.adapters.http.parameters import Parameter

T = TypeVar("T")

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


@attrs.frozen
class Call(Generic[T]):
    """What to ask, and `answer`, the attrs class that the JSON of the answer must fit (`None` for no answer).

    `operation` names the call in metrics and logs. Keys of the answer that the class doesn't have are ignored, since
    the upstream may grow. A call is repeated only if it is idempotent or has an `idempotency_key`.
    """

    operation: str
    answer: type[T]
    path: Sequence[str]
    parameters: Mapping[str, Parameter] = attrs.field(factory=dict)
    method: str = "GET"
    body: object = None
    idempotency_key: str | None = None

    @property
    def is_repeatable(self) -> bool:
        return self.method in _IDEMPOTENT or self.idempotency_key is not None
