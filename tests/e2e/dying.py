"""A service that dies in the middle of its first write: `python -m tests.e2e.dying before|after` the commit."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
from aiohttp import web
from dependency_injector import providers

from app.adapters.config.loading import load_settings
from app.container import Container
from app.entrypoints.app import create_app
from app.entrypoints.http.server import EnvelopeRunner, ServerLimits
from app.ports.unit_of_work import Transactions, Work


@attrs.frozen
class DyingTransactions:
    """The storage's own, and the end of the process at one point of them."""

    transactions: Transactions
    when: str

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Work]:
        async with self.transactions.begin() as work:
            yield work
            if self.when == "before":
                os._exit(9)
        os._exit(9)


async def serve(when: str) -> None:
    """Serve until then."""
    settings = load_settings().settings
    container = Container(settings=settings)
    container.transactions.override(providers.Object(DyingTransactions(container.transactions(), when)))
    runner = EnvelopeRunner(create_app(container), ServerLimits())
    await runner.setup()
    await web.TCPSite(runner, settings.http.host, settings.http.port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
