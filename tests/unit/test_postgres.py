"""PostgreSQL without a server: its settings, its errors, and which statements a pool takes."""

from pathlib import Path

import asyncpg
import pytest

from app.adapters.config.loading import load_settings
from app.adapters.config.secret import Dsn
from app.adapters.config.settings import Settings
from app.adapters.config.sources import EnvironmentSource, SettingsError
from app.adapters.postgres.connections import stateless
from app.adapters.postgres.errors import is_lost_after, is_refused_after, is_sound_after, reason, translation
from app.adapters.postgres.settings import PostgresPoolSettings, connection_uri

DSN = "postgresql://app:canary@db:5432/app"


def load(**environ: str) -> Settings:
    return load_settings([EnvironmentSource({"APP_STORAGE": "postgres", **environ})]).settings


def problems(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        load(**environ)
    return [str(problem) for problem in refusal.value.problems]


def test_in_dev_the_primary_is_on_this_machine_unless_it_is_set() -> None:
    assert load().postgres["primary"].dsn == Dsn("postgresql://app:app@127.0.0.1:5432/app")
    assert load(APP_POSTGRES__PRIMARY__MAX_SIZE="3").postgres["primary"].max_size == 3
    assert load(APP_POSTGRES__PRIMARY__DSN=DSN).postgres["primary"].dsn == Dsn(DSN)


def test_outside_dev_the_primary_is_required() -> None:
    told = problems(APP_ENV="prod", APP_AUTH__SECRET="s" * 32, APP_POSTGRES__REPLICA__DSN=DSN)
    assert told == ["APP_POSTGRES__PRIMARY__DSN (not set): is required outside dev with APP_STORAGE=postgres"]


def test_with_another_storage_no_server_is_needed() -> None:
    assert load(APP_STORAGE="sqlite", APP_ENV="prod", APP_AUTH__SECRET="s" * 32).postgres == {}


def test_an_address_of_another_database_is_refused_without_being_told() -> None:
    (problem,) = problems(APP_POSTGRES__PRIMARY__DSN="mysql://app:canary@db/app")
    assert problem == (
        "APP_POSTGRES__PRIMARY__DSN (environment): must be a URL such as postgresql://user:password@host:5432/name"
    )


def uri(dsn: str, **settings: object) -> str:
    return connection_uri(PostgresPoolSettings(dsn=Dsn(dsn), **settings))  # type: ignore[arg-type]  # any by name


def test_the_tls_settings_go_into_the_address_for_both_drivers() -> None:
    assert uri(DSN) == f"{DSN}?sslmode=prefer"
    files = {"tls_ca": Path("/ca.pem"), "tls_cert": Path("/c.pem"), "tls_key": Path("/k.pem")}
    assert uri(DSN, tls="verify-full", **files) == (
        f"{DSN}?sslmode=verify-full&sslrootcert=%2Fca.pem&sslcert=%2Fc.pem&sslkey=%2Fk.pem"
    )


def test_what_the_address_says_of_tls_goes_first() -> None:
    assert uri(f"{DSN}?application_name=x&sslmode=require", tls="disable") == (
        f"{DSN}?application_name=x&sslmode=require"
    )


KINDS: list[tuple[Exception, str | None]] = [
    (TimeoutError(), "STORAGE_TIMEOUT"),
    (asyncpg.QueryCanceledError("statement timeout"), "STORAGE_TIMEOUT"),
    (asyncpg.SerializationError(""), "TRANSACTION_ABORTED"),
    (asyncpg.DeadlockDetectedError(""), "TRANSACTION_ABORTED"),
    (asyncpg.InvalidCachedStatementError(""), "TRANSACTION_ABORTED"),
    (asyncpg.CannotConnectNowError(""), "UNAVAILABLE"),
    (asyncpg.AdminShutdownError(""), "UNAVAILABLE"),
    (asyncpg.TooManyConnectionsError(""), "UNAVAILABLE"),
    (asyncpg.ReadOnlySQLTransactionError(""), "UNAVAILABLE"),
    (asyncpg.DiskFullError(""), "UNAVAILABLE"),
    (asyncpg.InternalClientError("got result for unknown protocol state 3"), "UNAVAILABLE"),
    (ConnectionResetError(), "UNAVAILABLE"),
    (asyncpg.UndefinedTableError(""), "UNAVAILABLE"),
    (asyncpg.UndefinedColumnError(""), None),
    (asyncpg.InterfaceError("the server expects 1 argument for this query, 2 were passed"), None),
    (ZeroDivisionError(), None),
]


class Connection:
    """Stands for one that is open, or not."""

    def __init__(self, *, closed: bool = False) -> None:
        self.closed = closed

    def is_closed(self) -> bool:
        return self.closed


@pytest.mark.parametrize(("error", "code"), KINDS, ids=lambda value: type(value).__name__)
def test_errors_become_kinds_that_every_storage_knows(error: Exception, code: str | None) -> None:
    known = translation(error, Connection())
    assert (known.code if known else None) == code


def test_an_interface_error_on_a_closed_connection_is_the_servers_absence() -> None:
    known = translation(asyncpg.InterfaceError("connection is closed"), Connection(closed=True))
    assert known is not None
    assert known.code == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("error", "sound", "lost"),
    [
        (asyncpg.UniqueViolationError(""), True, False),
        (asyncpg.QueryCanceledError(""), True, False),
        (asyncpg.AdminShutdownError(""), False, True),
        (asyncpg.ReadOnlySQLTransactionError(""), False, True),
        (TimeoutError(), False, False),
        (ConnectionResetError(), False, True),
        (ZeroDivisionError(), False, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_connection_is_kept_cleaned_or_dropped_by_how_its_use_ended(
    error: Exception, *, sound: bool, lost: bool
) -> None:
    assert (is_sound_after(error), is_lost_after(error)) == (sound, lost)


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        (asyncpg.InvalidPasswordError("no"), True),
        (asyncpg.InvalidCatalogNameError("no"), True),
        (ValueError("invalid literal for int(): 'canary'"), True),
        (asyncpg.ClientConfigurationError("canary"), True),
        (asyncpg.CannotConnectNowError("starting"), False),
        (ConnectionRefusedError(), False),
        (TimeoutError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_may_pass_is_tried_again_and_nothing_tells_the_password(error: Exception, *, refused: bool) -> None:
    assert is_refused_after(error) is refused
    assert reason(error)
    assert "canary" not in reason(error)


@pytest.mark.parametrize("sql", ["SELECT 1", " with a AS (SELECT 1) SELECT 1", "update posts SET version = 1"])
def test_statements_that_leave_nothing_behind_are_taken(sql: str) -> None:
    assert stateless(sql) == sql
