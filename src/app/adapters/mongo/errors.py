"""From PyMongo's errors to the domain's kinds. Their texts hold values of documents and stay out of ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from app.adapters.storage_errors import aborted, refused, title_taken, too_slow, unusable
from app.context import is_out_of_time
from app.domain.errors import DomainError

WRITE_CONFLICT = 112
TRANSIENT = "TransientTransactionError"
UNKNOWN_COMMIT = "UnknownTransactionCommitResult"

# Unauthorized, AuthenticationFailed and what hosted servers say in their place.
REFUSALS = {13, 18, 8000}
# SnapshotTooOld, SnapshotUnavailable; OutOfDiskSpace, ExceededMemoryLimit; a full or closing server.
_PASSING = {239, 246, 14031, 146, 202, 462}


@contextmanager
def translated() -> Iterator[None]:
    """Raise the domain's error in place of the driver's; one that is neither known nor passing stays what it is."""
    try:
        yield
    except TimeoutError as error:
        raise too_slow() from error
    except PyMongoError as error:
        known = _known(error)
        if known is None:
            raise
        raise known from error


def is_conflict(error: PyMongoError) -> bool:
    """Whether the server gave the transaction up because another one had changed the same document."""
    return isinstance(error, OperationFailure) and error.code == WRITE_CONFLICT


def _known(error: PyMongoError) -> DomainError | None:
    if isinstance(error, DuplicateKeyError):
        return title_taken() if "title" in _index_keys(error) else None
    if isinstance(error, ServerSelectionTimeoutError):
        # Looking for a server takes what time there is: with next to none, not even one that is there is found.
        return too_slow() if is_out_of_time() else unusable()
    if error.has_error_label(TRANSIENT) or is_conflict(error):
        return aborted()
    if isinstance(error, ExecutionTimeout) or error.timeout:
        return too_slow()
    if isinstance(error, AutoReconnect | InvalidOperation):
        return unusable()
    if isinstance(error, OperationFailure) and error.code in REFUSALS:
        return refused()
    if isinstance(error, OperationFailure) and error.code in _PASSING:
        return unusable()
    return None


def _index_keys(error: DuplicateKeyError) -> Mapping[str, object]:
    found = (error.details or {}).get("keyPattern", {})
    return found if isinstance(found, Mapping) else {}
