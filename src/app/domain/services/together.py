"""Several questions asked at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def together() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks that run at the same time and are all done at the end; the first failure ends the others and is raised.

    A task group alone would raise it inside an ExceptionGroup, which no caller of a use case expects.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
