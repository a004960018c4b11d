"""One table: which kind of domain error is which HTTP status."""

from app.domain.errors import (
    Conflict,
    DeadlinePassed,
    DomainError,
    Forbidden,
    InProgress,
    Invalid,
    NotFound,
    Stale,
    Unavailable,
)
from app.entrypoints.http.errors import HttpError, Violation

STATUSES: dict[type[DomainError], int] = {
    NotFound: 404,
    Conflict: 409,
    Stale: 412,
    Invalid: 422,
    Forbidden: 403,
    Unavailable: 503,
    DeadlinePassed: 504,
}
RETRY_AFTER = {"Retry-After": "1"}


def translate_error(error: Exception) -> HttpError | None:
    """The answer to a domain error, by its nearest kind; None for what is no domain error."""
    if not isinstance(error, DomainError):
        return None
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    return HttpError(
        status,
        error.code,
        error.message,
        errors=(Violation(error.code, error.message, error.field_name),),
        headers=RETRY_AFTER if status == 503 or isinstance(error, InProgress) else None,
    )
