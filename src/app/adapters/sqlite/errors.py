"""From sqlite3's errors to the domain's kinds."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from app.domain.errors import TransactionAborted, Unavailable
from app.domain.model.posts import PostNotFound, TitleTaken


class StorageTimeout(Unavailable):
    """The storage did not answer in the time that the call had."""

    code = "STORAGE_TIMEOUT"


@contextmanager
def translated() -> Iterator[None]:
    """Raise the domain's error in place of sqlite3's; one that is neither known nor passing stays what it is."""
    try:
        yield
    except TimeoutError as error:
        raise StorageTimeout("The storage took too long. Try again later.") from error
    except sqlite3.IntegrityError as error:
        if "posts.title" in str(error):
            raise TitleTaken("Another post has this title: choose another one.", field_name="title") from error
        if "FOREIGN KEY" in str(error):
            raise PostNotFound("The post does not exist any more.") from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise TransactionAborted("The storage is busy. Try again later.") from error
        if error.sqlite_errorcode & 0xFF in _PASSING:
            raise Unavailable("The storage cannot be used now. Try again later.") from error
        raise


_PASSING = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_PROTOCOL,
}
