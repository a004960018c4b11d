"""The settings of pools of MySQL or MariaDB."""

import ssl
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import attrs
from attrs.validators import ge, gt, le

from app.adapters.config.checks import Demand
from app.adapters.config.secret import Dsn, Secret
from app.adapters.config.setting import setting

PORT = 3306


@attrs.frozen
class Address:
    """A DSN, taken apart. The password is text whose Latin-1 form is what goes over the wire."""

    host: str
    port: int
    user: str
    password: Secret
    database: str


def address_of(dsn: Dsn) -> Address:
    """The parts of `mysql://user:password@host:port/database`, percent-decoded. Raises ValueError."""
    url = urlsplit(dsn.reveal())
    database = unquote(url.path.removeprefix("/"))
    if url.scheme not in ("mysql", "mariadb") or not (url.hostname and url.username and database):
        raise ValueError("no address of a database")
    if url.query or url.fragment or "/" in database:
        raise ValueError("more than an address")
    # Both drivers send the Latin-1 form of a password, and servers compare bytes of UTF-8.
    password = unquote(url.password or "").encode().decode("latin-1")
    return Address(url.hostname, url.port or PORT, unquote(url.username), Secret(password), database)


def _is_address(dsn: Dsn) -> bool:
    try:
        address_of(dsn)
    except ValueError:
        return False
    return True


mysql_address = Demand("a URL such as mysql://user:password@host:port/database, its parts percent-encoded", _is_address)


@attrs.frozen
class MysqlPoolSettings:
    """One pool: where the server is, how many connections it gets, and how long anything may take (seconds)."""

    dsn: Dsn = setting(description="The server and the database", validator=mysql_address)
    min_size: int = setting(1, "Connections opened at start", validator=[ge(1), le(1000)])
    max_size: int = setting(10, "Connections at most", validator=[ge(1), le(1000)])
    open_timeout: float = setting(
        20.0, "Seconds for which a server that doesn't answer is tried at start", validator=[gt(0), le(25)]
    )
    connect_timeout: float = setting(2.0, "Seconds to connect and log in", validator=[gt(0), le(60)])
    acquire_timeout: float = setting(2.0, "Seconds to wait for a connection", validator=[gt(0), le(60)])
    statement_timeout: float = setting(
        5.0, "Seconds a statement may take; also enforced by the server", validator=[gt(0), le(300)]
    )
    pool_recycle: float = setting(
        300.0, "Seconds of idleness after which a connection isn't used again", validator=[ge(1), le(86400)]
    )
    tls: Literal["disable", "require", "verify-ca", "verify-full"] = setting(
        "disable", "How connections are encrypted, and whether the server's certificate and its name are checked"
    )
    tls_ca: Path | None = setting(None, "The authorities to trust, as PEM; those of the system unless set")
    tls_cert: Path | None = setting(None, "The client's certificate, as PEM, where the server asks for one")
    tls_key: Path | None = setting(None, "The key of the client's certificate, as PEM")


def tls_context(settings: MysqlPoolSettings) -> ssl.SSLContext | None:
    """What TLS is done with, or None where it is off. Raises OSError for a file that can't be read or isn't PEM."""
    if settings.tls == "disable":
        return None
    context = ssl.create_default_context(cafile=settings.tls_ca)
    context.check_hostname = settings.tls == "verify-full"
    if settings.tls == "require":
        context.verify_mode = ssl.CERT_NONE
    if settings.tls_cert is not None:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    return context
