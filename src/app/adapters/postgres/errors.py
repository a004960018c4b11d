"""From asyncpg's errors to the domain's kinds."""

from typing import Any

import asyncpg

from app.adapters.storage_errors import aborted, post_gone, title_taken, too_slow, unusable
from app.domain.errors import DomainError

_ABORTED = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidCachedStatementError,  # the schema changed inside a transaction; a fresh one prepares anew
)
_REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.UndefinedObjectError,  # a parameter in the DSN that the server doesn't know
)
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a primary that became a standby: a new connection may find the new one
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.InternalClientError,  # what a killed back end looks like now and then
    OSError,
)
_WITHOUT_SCHEMA = asyncpg.UndefinedTableError
"""The migrations have not been run, as readiness says too."""


def is_sound_after(error: BaseException) -> bool:
    """Whether a connection can be used on after a call ended so: the server answered, and spoke of the call alone."""
    return isinstance(error, asyncpg.PostgresError) and not is_lost_after(error)


def is_lost_after(error: BaseException | None) -> bool:
    """Whether a connection is of no use any more after a call ended so."""
    return isinstance(error, _LOST) and not isinstance(error, asyncpg.QueryCanceledError | TimeoutError)


def translation(error: BaseException, connection: Any) -> DomainError | None:
    """The domain's error for one of asyncpg's on `connection`; None for one that is neither known nor passing."""
    if isinstance(error, asyncpg.PostgresError):
        error.detail = None  # holds values of the row, which belong in no log
    match error:
        case TimeoutError() | asyncpg.QueryCanceledError():
            return too_slow()
        case asyncpg.UniqueViolationError(constraint_name="posts_title_key"):
            return title_taken()
        case asyncpg.ForeignKeyViolationError(constraint_name="features_post_id_fkey"):
            return post_gone()
        case _ if isinstance(error, _ABORTED):
            return aborted()
        case _ if is_lost_after(error) or isinstance(error, _WITHOUT_SCHEMA):
            return unusable()
        case asyncpg.InterfaceError() if connection.is_closed():
            return unusable()
    return None


def is_refused_after(error: BaseException) -> bool:
    """Whether trying to connect again changes nothing: nobody is let in, or the settings are of no use."""
    return _is_misread(error) or isinstance(error, _REFUSED)


def reason(error: BaseException | None) -> str:
    """Why connecting failed, for an operator; never with a part of the password."""
    if error is not None and _is_misread(error):
        return "it cannot be read; write special characters in it as %XX"
    return str(error or "") or "it does not answer"


def _is_misread(error: BaseException) -> bool:
    return isinstance(error, ValueError) and not isinstance(error, OSError)
