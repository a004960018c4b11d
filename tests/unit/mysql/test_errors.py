"""What becomes of the drivers' errors."""

import socket
import ssl

import pytest
from pymysql import err

from app.adapters.mysql.errors import not_opened, translated
from app.adapters.storage_errors import StorageRefused, StorageTimeout
from app.domain.errors import TransactionAborted, Unavailable
from app.domain.model.posts import PostNotFound, TitleTaken


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (TimeoutError(), StorageTimeout),
        (err.OperationalError(1205, "Lock wait timeout exceeded"), StorageTimeout),
        (err.OperationalError(1969, "max_statement_time exceeded"), StorageTimeout),
        (err.OperationalError(3024, "maximum statement execution time exceeded"), StorageTimeout),
        (err.OperationalError(1213, "Deadlock found"), TransactionAborted),
        (err.OperationalError(1412, "Table definition has changed"), TransactionAborted),
        (err.OperationalError(1020, "Record has changed since last read"), TransactionAborted),
        (err.OperationalError(1290, "running with the --read-only option"), Unavailable),
        (err.OperationalError(1040, "Too many connections"), Unavailable),
        (err.OperationalError(2013, "Lost connection"), Unavailable),
        (err.InterfaceError("Cancelled during execution"), Unavailable),
        (err.InternalError("Packet sequence number wrong - got 3 expected 1"), Unavailable),
        (ConnectionResetError(), Unavailable),
        (err.IntegrityError(1062, "Duplicate entry 'x' for key 'posts_by_title'"), TitleTaken),
        (err.IntegrityError(1062, "Duplicate entry 'x' for key 'posts.posts_by_title'"), TitleTaken),
        (err.IntegrityError(1452, "a foreign key constraint fails"), PostNotFound),
    ],
)
def test_known_errors_become_the_domains(raised: Exception, becomes: type[Exception]) -> None:
    with pytest.raises(Unavailable if issubclass(becomes, Unavailable) else becomes) as refused, translated():
        raise raised
    assert type(refused.value) is becomes
    assert refused.value.__cause__ is raised


@pytest.mark.parametrize(
    "raised",
    [
        err.ProgrammingError(1054, "Unknown column 'x'"),
        err.DataError(1406, "Data too long for column"),
        err.OperationalError(1054, "Unknown column"),
        err.IntegrityError(1062, "Duplicate entry 'posts_by_title' for key 'PRIMARY'"),
        ZeroDivisionError(),
    ],
)
def test_faults_of_ours_stay_what_they_are(raised: Exception) -> None:
    with pytest.raises(type(raised)) as seen, translated():
        raise raised
    assert seen.value is raised


def test_a_refused_login_is_told_from_a_server_that_is_not_there() -> None:
    assert isinstance(not_opened("V", "w", err.OperationalError(1045, "Access denied")), StorageRefused)
    assert not isinstance(not_opened("V", "w", err.OperationalError(2003, "Can't connect")), StorageRefused)
    hidden = err.OperationalError(2003, "Can't connect")
    hidden.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")
    assert isinstance(not_opened("V", "w", hidden), StorageRefused)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (err.OperationalError(1049, "Unknown database 'x'"), "has no such database; create it, or name another one"),
        (err.OperationalError(1045, "Access denied"), "does not take this user with this password; correct them"),
        (err.OperationalError(1044, "Access denied"), "does not let this user use this database; grant it the right"),
        (err.OperationalError(1130, "Host 'x' is not allowed"), "lets nobody in (Host 'x' is not allowed)."),
        (err.OperationalError(2026, "TLS is required"), "makes no connection with TLS"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "makes no connection with TLS"),
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"), "(Connection refused). Start it, or"),
        (socket.gaierror(-2, "Name or service not known"), "does not answer (Name or service not known)."),
        (TimeoutError(), "does not answer (it took too long)."),
        (err.OperationalError(2003, "Can't connect"), "does not answer (Can't connect)."),
    ],
)
def test_why_a_server_is_not_opened_is_told_with_what_to_do(error: Exception, told: str) -> None:
    message = not_opened("V", "mysql://w", error).message
    assert message.startswith("Check V: mysql://w ")
    assert told in message
    assert "((" not in message
