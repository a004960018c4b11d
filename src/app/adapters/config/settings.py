"""All settings of the service, composed of those that each part declares."""

import enum
from pathlib import Path
from typing import Literal

import attrs
from attrs.validators import ge, gt, in_, le, min_len

from app.adapters.config.checks import min_bytes, web_address
from app.adapters.config.cors_settings import CorsSettings
from app.adapters.config.secret import Secret
from app.adapters.config.setting import setting
from app.adapters.consul.settings import ConsulSettings
from app.adapters.events.settings import EventSettings
from app.adapters.http.settings import ClientSettings
from app.adapters.mongo.settings import MongoPoolSettings
from app.adapters.mysql.settings import MysqlPoolSettings
from app.adapters.named_pools import PRIMARY
from app.adapters.postgres.settings import PostgresPoolSettings
from app.adapters.redis.settings import RateLimitSettings
from app.adapters.sqlite.settings import SqliteSettings
from app.adapters.tracing.settings import TracingSettings

SECRET_BYTES = 32
"""RFC 7518, section 3.2: a key for HS256 has at least the size of its hash."""
BODY_TIMEOUT = 4.0
DEFAULT_ISSUER = "aiohttp-service-template"

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class Environment(enum.StrEnum):
    """Where the service runs; `dev` is lenient, all others are not."""

    DEV = "dev"
    TEST = "test"
    STAGING = "staging"
    PROD = "prod"


class LogFormat(enum.StrEnum):
    """How log lines look: `auto` is console on a terminal in dev, JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


@attrs.frozen
class HttpSettings:
    """How the service listens, and what it puts up with. Times are seconds, sizes bytes."""

    host: str = setting("127.0.0.1", "The address to listen on", validator=min_len(1))
    port: int = setting(8000, "The port to listen on", validator=[ge(1), le(65535)])
    request_timeout: float = setting(5.0, "Seconds a request may take", validator=[gt(0), le(300)], reloadable=True)
    body_limit: int = setting(2**20, "Bytes a request's body may have", validator=[ge(1), le(2**30)], reloadable=True)
    body_timeout: float = setting(
        BODY_TIMEOUT,
        "Seconds a request's body may take to arrive, less than the request itself",
        validator=[gt(0), le(300)],
        reloadable=True,
    )
    in_flight_limit: int = setting(
        128,
        "Requests worked on at once by a worker, about 3 × the storage's pool; 503 for more",
        validator=[ge(1), le(10**5)],
        reloadable=True,
    )
    connection_limit: int = setting(16_000, "Connections a worker has at once", validator=[ge(1), le(10**6)])
    keepalive_timeout: float = setting(75.0, "Seconds an idle connection is kept", validator=[gt(0), le(3600)])
    header_timeout: float = setting(10.0, "Seconds a request's head may take to arrive", validator=[gt(0), le(300)])
    write_timeout: float = setting(30.0, "Seconds a client may take to read an answer", validator=[gt(0), le(3600)])
    header_line_limit: int = setting(8190, "Bytes a request line may have", validator=[ge(256), le(2**20)])
    header_field_limit: int = setting(8190, "Bytes one header may have", validator=[ge(256), le(2**20)])
    header_count_limit: int = setting(128, "Headers a request may have", validator=[ge(16), le(1024)])
    idempotency_ttl: float = setting(
        86400.0, "Seconds for which an answer is repeated to its Idempotency-Key", validator=[ge(1), le(31 * 86400)]
    )
    drain_wait: float = setting(
        0.0,
        "Seconds to go on accepting after readiness turned 503, until others have noticed",
        validator=[ge(0), le(300)],
    )
    drain_idle: float = setting(
        5.0, "Seconds that an idle connection is kept for one more request at the end", validator=[ge(0), le(3600)]
    )
    shutdown_timeout: float = setting(
        10.0, "Seconds that requests and idle connections get at the end", validator=[ge(0), le(3600)]
    )


@attrs.frozen
class AdminSettings:
    """Health and metrics, apart from the public port."""

    host: str = setting("127.0.0.1", "The address of health and metrics, where they have a port", validator=min_len(1))
    port: int | None = setting(
        None, "A port for health and metrics, which are then not on the public one", validator=[ge(1), le(65535)]
    )


@attrs.frozen
class ServeSettings:
    """The workers of `serve`."""

    start_timeout: float = setting(
        60.0, "Seconds that a worker may take until it is ready", validator=[gt(0), le(3600)]
    )


@attrs.frozen
class LogSettings:
    """The logs."""

    level: LogLevel = setting("INFO", "The least level to log", reloadable=True)
    format: LogFormat = setting(LogFormat.AUTO, "How log lines look; `auto` is console on a terminal in dev, else json")


@attrs.frozen
class AuthSettings:
    """The tokens that are accepted. With `jwks_url` the keys come from there, else tokens are signed with `secret`."""

    secret: Secret | None = setting(
        None,
        "Signs tokens; made by itself in dev, required elsewhere unless `APP_AUTH__JWKS_URL` is set",
        validator=min_bytes(SECRET_BYTES),
    )
    jwks_url: str | None = setting(
        None, "Where the public keys of tokens are, in place of a secret", validator=web_address
    )
    issuer: str = setting(DEFAULT_ISSUER, "Who issues the tokens (iss)", validator=min_len(1))
    audience: str = setting(DEFAULT_ISSUER, "Whom the tokens are for (aud)", validator=min_len(1))
    leeway: float = setting(30.0, "Seconds that clocks may differ", validator=[ge(0), le(300)])


@attrs.frozen
class StorageSettings:
    """The storages that there are: each field is one, and `APP_STORAGE` takes its name."""

    sqlite: SqliteSettings = attrs.field(factory=SqliteSettings)
    postgres: dict[str, PostgresPoolSettings] = setting(
        attrs.Factory(dict), "Pools of PostgreSQL: `primary`, and `replica` for reads that may lag behind"
    )
    mysql: dict[str, MysqlPoolSettings] = setting(
        attrs.Factory(dict), "Pools of MySQL or MariaDB: `primary`, and `replica` for reads that may lag behind"
    )
    mongo: dict[str, MongoPoolSettings] = setting(
        attrs.Factory(dict), "Pools of MongoDB: `primary`, and `replica` for reads that may lag behind"
    )


@attrs.frozen
class Settings(StorageSettings):
    """Everything that can be set. The name of `http.port` in the environment is APP_HTTP__PORT."""

    env: Environment = setting(Environment.DEV, "Where the service runs")
    name: str = setting(
        "aiohttp service template", "The service's name, shown in the documentation", validator=min_len(1)
    )
    version: str = setting("0.1.0", "The service's version, shown in the documentation", validator=min_len(1))
    data_dir: Path = setting(Path("data"), "The folder of what the service keeps in files, its secret in dev among it")
    storage: str = setting(
        "sqlite", "Where the data is kept", validator=in_([field.name for field in attrs.fields(StorageSettings)])
    )
    http: HttpSettings = attrs.field(factory=HttpSettings)
    admin: AdminSettings = attrs.field(factory=AdminSettings)
    serve: ServeSettings = attrs.field(factory=ServeSettings)
    cors: CorsSettings = attrs.field(factory=CorsSettings)
    rate_limit: RateLimitSettings = attrs.field(factory=RateLimitSettings)
    log: LogSettings = attrs.field(factory=LogSettings)
    auth: AuthSettings = attrs.field(factory=AuthSettings)
    app_pages: ClientSettings = attrs.field(factory=ClientSettings)
    events: EventSettings = attrs.field(factory=EventSettings)
    consul: ConsulSettings = attrs.field(factory=ConsulSettings)
    tracing: TracingSettings = attrs.field(factory=TracingSettings)


def where_data_is(settings: Settings) -> str:
    """Where the chosen storage keeps its data, for people: its file, or its primary server without the password."""
    chosen = getattr(settings, settings.storage)
    return str(chosen[PRIMARY].dsn) if isinstance(chosen, dict) else str(chosen.path.absolute())
