"""From sqlite3's errors to the domain's kinds."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from app.adapters.storage_errors import aborted, post_gone, title_taken, too_slow, unusable


@contextmanager
def translated() -> Iterator[None]:
    """Raise the domain's error in place of sqlite3's; one that is neither known nor passing stays what it is."""
    try:
        yield
    except TimeoutError as error:
        raise too_slow() from error
    except sqlite3.IntegrityError as error:
        if "posts.title" in str(error):
            raise title_taken() from error
        if "FOREIGN KEY" in str(error):
            raise post_gone() from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise aborted() from error
        if error.sqlite_errorcode & 0xFF in _PASSING or "no such table" in str(error):  # the migrations were not run
            raise unusable() from error
        raise


_PASSING = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_PROTOCOL,
}
