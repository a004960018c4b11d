"""The driver's client for a pool's settings.

Motor is at the end of its life: everything here uses only what it shares with PyMongo's own asyncio client, so that the
import below is all there is to change. Where one of them gives a value and the other an awaitable, `settled` stands.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient as AsyncClient
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandListener

from app.adapters.mongo.settings import MongoPoolSettings
from app.adapters.named_pools import PRIMARY
from app.adapters.storage_errors import StorageRefused

T = TypeVar("T")

Document: TypeAlias = dict[str, Any]
Client: TypeAlias = Any
Database: TypeAlias = Any
Session: TypeAlias = Any
Operation: TypeAlias = Callable[[Database, Session], Awaitable[T]]
"""Something to do with the database, within the session of a transaction or without any (None)."""

DATABASE = "app"
"""Where the data is, unless the DSN names a database."""


def options(settings: MongoPoolSettings) -> dict[str, Any]:
    """What every client of these settings is told; what the DSN says otherwise gives way."""
    given = {
        "connectTimeoutMS": round(settings.connect_timeout * 1000),
        "serverSelectionTimeoutMS": round(settings.selection_timeout * 1000),
        "appname": "aiohttp-service",
        "w": "majority",
        "journal": True,
        "tls": settings.tls or None,
        "tlsCAFile": str(settings.tls_ca) if settings.tls_ca else None,
        "tlsCertificateKeyFile": str(settings.tls_cert) if settings.tls_cert else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def make_client(name: str, settings: MongoPoolSettings, listeners: Sequence[CommandListener] = ()) -> Client:
    """The asyncio client of a pool, whose `listeners` hear of each command. Needs the running loop.

    Raises StorageRefused for a DSN that is none.
    """
    more: dict[str, Any] = {
        "minPoolSize": min(settings.min_size, settings.max_size),
        "maxPoolSize": settings.max_size,
        "timeoutMS": round(settings.timeout * 1000),
        "datetime_conversion": "DATETIME_MS",
        "event_listeners": list(listeners),
    }
    if name != PRIMARY:
        more["readPreference"] = "secondaryPreferred"
    try:
        return AsyncClient(settings.dsn.reveal(), **options(settings), **more)
    except (PyMongoError, OSError, ValueError, TypeError) as error:
        # Its text may quote the DSN, with the password.
        raise StorageRefused(f"{place(name, settings)}: no client can be made ({type(error).__name__}).") from None


def place(name: str, settings: MongoPoolSettings) -> str:
    """The setting to look at, and the server, without its password."""
    return f"Check APP_MONGO__{name.upper()}__DSN, {settings.dsn}"


async def settled(result: Any) -> Any:
    """A result that one of the drivers gives at once, and the other one when it is awaited."""
    return await result if inspect.isawaitable(result) else result


def left(limit: asyncio.Timeout) -> float:
    """Seconds until `limit`; never 0, which for the driver means without end."""
    when = limit.when()
    if when is None:
        raise AssertionError("every call has a limit")
    return max(0.001, when - asyncio.get_running_loop().time())
