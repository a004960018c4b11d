"""The whole service, served on a port of this machine as `run` serves it, and a client for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
from aiohttp import web

from app.adapters.config.secret import Secret
from app.adapters.config.settings import AuthSettings, HttpSettings, Settings
from app.adapters.events.settings import EventSettings
from app.adapters.sqlite.migrations import SqliteMigrations
from app.adapters.sqlite.settings import SqliteSettings
from app.container import Container
from app.entrypoints.app import create_app
from app.entrypoints.http.server import EnvelopeRunner, ServerLimits
from app.entrypoints.http.tokens import SecretTokens, TokenRules

SECRET = "a secret for tests, of 32 bytes or more"


@attrs.frozen
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any

    @property
    def code(self) -> str:
        return str(self.json["code"])

    @property
    def fields(self) -> dict[str | None, str]:
        """The code of each violation by the path of its field."""
        return {error.get("field_name"): error["code"] for error in self.json["errors"]}


class Client:
    """Speaks to the service; `token` goes along where one is set."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self.port = port
        self.token: str | None = None

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        async with self._session.request(
            method, f"http://127.0.0.1:{self.port}{path}", headers=headers, allow_redirects=False, **options
        ) as answer:
            body = await answer.read()
            is_json = answer.content_type.endswith("json") and body
            return Answer(
                answer.status, answer.headers, body, await answer.json(content_type=None) if is_json else None
            )

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.send("GET", path, **options)

    async def post(self, path: str, body: object, **options: Any) -> Answer:
        return await self.send("POST", path, json=body, **options)

    async def put(self, path: str, body: object, etag: str | None = None, **options: Any) -> Answer:
        headers = {"If-Match": etag} if etag is not None else {}
        return await self.send("PUT", path, json=body, headers=headers, **options)

    async def delete(self, path: str, etag: str | None = None) -> Answer:
        return await self.send("DELETE", path, headers={"If-Match": etag} if etag is not None else {})


def settings_in(folder: Path, **http: Any) -> Settings:
    """Settings of a service whose data lies in `folder`."""
    return Settings(
        data_dir=folder,
        http=HttpSettings(**http),
        auth=AuthSettings(secret=Secret(SECRET)),
        events=EventSettings(relay=False),
        sqlite=SqliteSettings(path=folder / "app.db", synchronous="NORMAL"),
    )


def a_token(*scopes: str, lifetime: int = 600, subject: str = "tester") -> str:
    """A token that the service accepts."""
    auth = AuthSettings()
    return SecretTokens(SECRET, TokenRules(auth.issuer, auth.audience)).issue(subject, scopes, lifetime)


@asynccontextmanager
async def serving(app: web.Application, limits: ServerLimits | None = None) -> AsyncIterator[int]:
    """The port on which `app` is served."""
    runner = EnvelopeRunner(app, limits or ServerLimits(shutdown_timeout=1))
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(container: Container) -> AsyncIterator[Client]:
    """A client of the service that this container makes."""
    async with serving(create_app(container)) as port, aiohttp.ClientSession() as session:
        yield Client(session, port)


@asynccontextmanager
async def running_on_sqlite(folder: Path, **http: Any) -> AsyncIterator[Client]:
    """A client of a fresh service on SQLite, its schema in place."""
    settings = settings_in(folder, **http)
    SqliteMigrations(settings.sqlite).apply()
    async with running(Container(settings=settings)) as client:
        yield client
