"""The settings of MongoDB's pools."""

from pathlib import Path

import attrs
from attrs.validators import ge, gt, le

from app.adapters.config.secret import Dsn
from app.adapters.config.setting import setting


@attrs.frozen
class MongoPoolSettings:
    """One pool of connections to a MongoDB, and how long its calls may take (seconds)."""

    dsn: Dsn = setting(description="The server and the database: mongodb://user:password@host:port/database")
    min_size: int = setting(0, "Connections kept open", validator=[ge(0), le(1000)])
    max_size: int = setting(
        10, "Connections at most; motor has 5 threads per core, or MOTOR_MAX_WORKERS", validator=[ge(1), le(1000)]
    )
    acquire_timeout: float = setting(1.0, "Seconds to wait for a connection of the pool", validator=[gt(0), le(300)])
    connect_timeout: float = setting(1.0, "Seconds that connecting may take", validator=[gt(0), le(300)])
    selection_timeout: float = setting(1.0, "Seconds to look for a server that answers", validator=[gt(0), le(300)])
    timeout: float = setting(5.0, "Seconds that a call may take, here and at the server", validator=[gt(0), le(300)])
    open_timeout: float = setting(
        10.0, "Seconds to try again at the start while the server does not answer", validator=[ge(0), le(25)]
    )
    tls: bool = setting(False, "Whether to connect with TLS, as a DSN with tls=true does too")
    tls_ca: Path | None = setting(None, "The certificates to trust (PEM), in place of the system's")
    tls_cert: Path | None = setting(None, "The client's certificate and key (PEM)")
    single_document: bool = setting(
        False,
        "Accept a standalone server, where a unit of work can change one post and no more, and events are not recorded",
    )
