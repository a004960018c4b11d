"""The settings of a pool of connections to PostgreSQL."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, urlencode

import attrs
from attrs.validators import ge, gt, le

from app.adapters.config.checks import Demand
from app.adapters.config.secret import Dsn
from app.adapters.config.setting import setting

TLS_FILES = {"tls_ca": "sslrootcert", "tls_cert": "sslcert", "tls_key": "sslkey"}
"""The settings that name files, and what a DSN calls them."""

address = Demand("a URL such as postgresql://user:password@host:5432/name", lambda dsn: _is_address(dsn))


_DATABASE = re.compile(r"\w+://[^?#]*/[^/?#]+(\?|$)")


def _is_address(dsn: Dsn) -> bool:
    """With a database: libpq would take the user's own without a word, and a migration the wrong one."""
    url = dsn.reveal()
    return url.startswith(("postgresql://", "postgres://")) and _DATABASE.match(url) is not None


@attrs.frozen
class PostgresPoolSettings:
    """One pool: where its server is, how many connections it keeps, and how long anything may take (seconds)."""

    dsn: Dsn = setting(
        description="Where the server is; `<NAME>` is `PRIMARY`, and may be `REPLICA` for reads that can lag behind",
        validator=address,
    )
    min_size: int = setting(1, "Connections opened at the start, and kept", validator=[ge(0), le(1000)])
    max_size: int = setting(10, "Connections at most", validator=[ge(1), le(1000)])
    idle_timeout: float = setting(
        60.0, "Seconds after which an unused connection above `MIN_SIZE` is closed", validator=[gt(0), le(86400)]
    )
    open_timeout: float = setting(
        20.0, "Seconds at the start in which the server has to answer", validator=[gt(0), le(25)]
    )
    connect_timeout: float = setting(2.0, "Seconds that connecting may take", validator=[gt(0), le(60)])
    acquire_timeout: float = setting(2.0, "Seconds to wait for a free connection", validator=[gt(0), le(60)])
    timeout: float = setting(5.0, "Seconds that a call may take outside of any request", validator=[gt(0), le(300)])
    statement_timeout: float = setting(
        5.0,
        "Seconds that the server lets a statement run, and a transaction idle; 0 leaves it to the server, "
        "as a PgBouncer needs it that refuses unknown parameters",
        validator=[ge(0), le(300)],
    )
    statement_cache_size: int = setting(
        100,
        "Statements kept prepared in each connection; 0 behind a PgBouncer without `max_prepared_statements`",
        validator=[ge(0), le(10_000)],
    )
    tls: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = setting(
        "prefer", "How connections are encrypted; `sslmode` in the DSN goes first"
    )
    tls_ca: Path | None = setting(None, "Certificates of the authorities that sign the server's; for `verify-…`")
    tls_cert: Path | None = setting(None, "The client's own certificate")
    tls_key: Path | None = setting(None, "The key of the client's own certificate")


def connection_uri(settings: PostgresPoolSettings) -> str:
    """The DSN with the TLS settings in it, as libpq and asyncpg both read them; what the DSN says itself stays."""
    uri = settings.dsn.reveal()
    wanted = {"sslmode": settings.tls} | {key: getattr(settings, name) for name, key in TLS_FILES.items()}
    _, mark, query = uri.partition("?")
    said = dict(parse_qsl(query))
    added = urlencode({name: str(value) for name, value in wanted.items() if value is not None and name not in said})
    return f"{uri}{'&' if mark else '?'}{added}" if added else uri
