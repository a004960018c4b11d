"""What `run` does for developers: a storage to begin with, and a word on where everything is."""

import asyncio
from contextlib import asynccontextmanager

from app.adapters.config.settings import Settings, where_data_is
from app.container import Container
from app.entrypoints.app import API_PATH, opened
from app.entrypoints.http.jwks import JwksTokens
from app.entrypoints.samples import put_samples
from app.ports.migrations import MigrationError

EMBEDDED = "sqlite"
TOKEN_LIFETIME = 7 * 24 * 3600
PASTED = '{"title": "Written at \'$(date +%T)\'", "content": "By curl", "features": [{"feature_name": "likes"}]}'
"""In quotes for a shell, whose clock makes each title another one, as two posts can't have the same."""


def prepare(container: Container, *, asked: bool | None) -> None:
    """Migrate, and put samples into an empty storage: the embedded one, or one for which that was asked.

    A server may be shared, or not the one that was meant: raises MigrationError, saying what to run, where it lacks
    steps and nobody asked.
    """
    migrations = container.migrations()
    if asked or (asked is None and container.settings().storage == EMBEDDED):
        migrations.apply()
        asyncio.run(_put_samples(container))
        return
    missing = [step.id for step in migrations.status() if not step.applied]
    if missing:
        raise MigrationError(
            f"The storage lacks {', '.join(missing)}. Apply that with `make migrate` (python -m app.entrypoints "
            "migrate), or begin with `run --prepare`, which also puts samples in."
        )


async def _put_samples(container: Container) -> None:
    async with asynccontextmanager(opened)(container.pools()):
        await put_samples(container.post_service())


def welcome(settings: Settings, container: Container) -> str:
    """Where everything is, and a command to paste, with a token."""
    base = f"http://{settings.http.host}:{settings.http.port}"
    lines = [
        f"  Service        {base}{API_PATH}/posts",
        f"  Documentation  {base}/docs",
        f"  Data           {where_data_is(settings)}",
    ]
    tokens = container.tokens()
    if not isinstance(tokens, JwksTokens):
        bearer = tokens.issue("developer", ["posts:write"], TOKEN_LIFETIME)
        lines += [
            "",
            "  Publish a post:",
            "",
            f"curl {base}{API_PATH}/posts -H 'Content-Type: application/json' \\",
            f"  -H 'Authorization: Bearer {bearer}' \\",
            f"  -d '{PASTED}'",
        ]
    return "\n" + "\n".join(lines) + "\n"
