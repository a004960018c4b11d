"""A write that a caller may repeat without doing it twice, because each try carries the same key."""

import hashlib
import json
from datetime import datetime

import attrs

from app.domain.errors import InProgress, Invalid

HEADER = "Idempotency-Key"


class KeyReused(Invalid):
    """The key was used before, for something else."""

    code = "IDEMPOTENCY_KEY_REUSED"


class KeyInUse(InProgress):
    """The first try with this key is still at work."""

    code = "IDEMPOTENCY_KEY_IN_USE"


@attrs.frozen
class Attempt:
    """One try: whose key it has, what is asked for (`fingerprint`), and a name of its own (`token`)."""

    caller: str
    key: str
    fingerprint: str
    token: str

    @property
    def id(self) -> str:
        """What the key is stored as: 64 hexadecimal digits, of another caller's key always others."""
        return hashlib.sha256(json.dumps([self.caller, self.key]).encode()).hexdigest()


@attrs.frozen
class KeptAnswer:
    """What the first try was answered, whole: `headers` are lines as they are sent."""

    status: int
    content_type: str
    headers: str
    body: bytes


@attrs.frozen
class Claimed:
    """What is known of a key: who claimed it, for what, until when, and the answer, if there is one."""

    fingerprint: str
    token: str
    expires_at: datetime
    answer: KeptAnswer | None = None


def answer_for(attempt: Attempt, found: Claimed) -> KeptAnswer | None:
    """The answer to repeat, or None where the key is the attempt's own. Raises KeyReused and KeyInUse."""
    if found.fingerprint != attempt.fingerprint:
        raise KeyReused("Take a new Idempotency-Key: this one was used for another request.", field_name=HEADER)
    if found.answer is None and found.token != attempt.token:
        raise key_in_use()
    return found.answer


def key_in_use() -> KeyInUse:
    """For a try that another one was ahead of, and which has no answer yet."""
    return KeyInUse("The first request with this Idempotency-Key is not answered yet. Try again later.")
