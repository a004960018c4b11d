"""The kinds of failure a use case can end in. Each concrete error adds a stable `code` that callers may rely on."""

from typing import ClassVar


class DomainError(Exception):
    """A use case could not do what it was asked to; the message tells the caller what to do about it."""

    code: ClassVar[str] = "DOMAIN_ERROR"

    def __init__(self, message: str, *, field_name: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field_name = field_name


class NotFound(DomainError):
    """What was asked for does not exist."""

    code = "NOT_FOUND"


class Conflict(DomainError):
    """What was asked for contradicts what is stored."""

    code = "CONFLICT"


class Stale(Conflict):
    """The caller's copy is older than what is stored; read it again first."""

    code = "STALE"


class InProgress(Conflict):
    """What was asked for is being done right now; the same call may work later."""

    code = "IN_PROGRESS"


class Invalid(DomainError):
    """What was asked for breaks a rule."""

    code = "INVALID"


class Forbidden(DomainError):
    """The caller may not do this."""

    code = "FORBIDDEN"


class Unavailable(DomainError):
    """Something that the use case needs does not answer; the same call may work later."""

    code = "UNAVAILABLE"


class Refused(Unavailable):
    """Something that the use case needs does answer, and lets nobody in until somebody mends the settings."""

    code = "REFUSED"


class DeadlinePassed(Unavailable):
    """The caller's own time was over before it was done. That tells nothing of what it waited for."""

    code = "DEADLINE_EXCEEDED"


class TransactionAborted(Unavailable):
    """The storage gave up a unit of work in favour of another one; nothing of it is stored."""

    code = "TRANSACTION_ABORTED"
