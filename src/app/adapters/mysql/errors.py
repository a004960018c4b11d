"""From the drivers' errors to the domain's kinds."""

import errno
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from pymysql import err

from app.adapters.storage_errors import StorageRefused, aborted, post_gone, refused, title_taken, too_slow, unusable
from app.domain.errors import Unavailable

TITLE_KEY = "posts_by_title"

# Numbers of https://dev.mysql.com/doc/mysql-errors and https://mariadb.com/kb/en/mariadb-error-code-reference
DUPLICATE = 1062
NO_PARENT = 1452
TLS = 2026
_TOO_SLOW = {
    1205,  # lock wait timeout
    1969,  # max_statement_time, MariaDB
    3024,  # max_execution_time, MySQL
}
_ABORTED = {
    1020,  # a row changed since the snapshot, MariaDB
    1213,  # deadlock
    1412,  # a table changed since the snapshot
    3101,  # the certification of a cluster
}
_PASSING = {
    1021,  # the disk is full
    1030,  # the storage engine has a problem
    1040,  # too many connections
    1047,  # a node that left its cluster, Galera
    1053,  # shutdown
    1114,  # the table is full
    1146,  # no such table: the migrations have not been run
    1203,  # too many connections of this user
    1226,  # a resource limit of this user
    1290,  # read only: a former primary
    1317,  # KILL QUERY
    1792,  # read only, in a transaction
    1836,  # read only
    1927,  # KILL, MariaDB
    2003,  # no connection
    2006,  # the connection is gone
    2013,  # the connection broke
    2014,  # out of step
    3032,  # offline
    4031,  # idle for too long, MySQL
}
_REFUSED = {
    1044,  # no right to this database
    1045,  # wrong password
    1049,  # no such database
    1129,  # the host is blocked
    1130,  # the host may not connect
    1251,  # an authentication that the client doesn't know
    1698,  # no password for this user
    TLS,
    2059,  # an authentication that the client doesn't know
    3118,  # the account is locked
    3159,  # the server wants TLS
    4151,  # the account is locked, MariaDB
}


_REMEDIES = {
    1044: "does not let this user use this database; grant it the right, or name another user",
    1045: "does not take this user with this password; correct them",
    1049: "has no such database; create it, or name another one",
    1698: "does not take this user with this password; correct them",
    TLS: "makes no connection with TLS; see to its certificate, or to the settings of TLS beside the DSN",
}
"""What to do about those that are frequent."""


def number_of(error: BaseException) -> int | None:
    """The error's number, of the server (1000 to 1999, and from 3000) or of the driver (2000 to 2999)."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else None


@contextmanager
def translated() -> Iterator[None]:
    """Raise the domain's error in place of the driver's; one that is neither known nor passing stays what it is."""
    try:
        yield
    except TimeoutError as error:
        raise too_slow() from error
    except (OSError, err.InterfaceError, err.InternalError, err.OperationalError, err.ProgrammingError) as error:
        known = _known(error)
        if known is None:
            raise
        raise known from error
    except err.IntegrityError as error:
        number = number_of(error)
        # The message ends with the key's name, which MySQL puts behind the table's; values stand before it.
        if number == DUPLICATE and str(error.args[1]).rstrip("'").endswith(TITLE_KEY):
            raise title_taken() from error
        if number == NO_PARENT:
            raise post_gone() from error
        raise


def _known(error: Exception) -> Unavailable | None:
    number = number_of(error)
    if number in _TOO_SLOW:
        return too_slow()
    if number in _ABORTED:
        return aborted()
    if number in _REFUSED:
        return refused()
    broken = isinstance(error, OSError | err.InterfaceError | err.InternalError)
    return unusable() if broken or number in _PASSING else None


def not_opened(variable: str, where: str, error: Exception) -> Unavailable:
    """For a server that gives no connection: says which variable names it and what to do, never the password."""
    cause = error.__cause__ or error
    number = TLS if isinstance(cause, ssl.SSLError) else number_of(error)
    beginning, reason = f"Check {variable}: {where}", _reason(cause)
    if number is not None and number in _REFUSED:
        return StorageRefused(f"{beginning} {_REMEDIES.get(number, 'lets nobody in')} ({reason}).")
    return Unavailable(f"{beginning} does not answer ({reason}). Start it, or name another server.")


def _reason(error: BaseException) -> str:
    """What happened, for people: without the numbers and the brackets around it."""
    if isinstance(error, err.MySQLError) and len(error.args) > 1:
        return str(error.args[1])
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno and error.strerror:
        return os.strerror(error.errno) if error.errno in errno.errorcode else error.strerror
    return str(error) or type(error).__name__
