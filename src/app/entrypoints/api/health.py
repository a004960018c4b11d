"""Whether the service lives, and whether it can serve."""

import asyncio
import logging
import time
from collections.abc import Sequence

import attrs

from app.domain.errors import Unavailable
from app.domain.services.pool_watch import SILENT, PoolWatch
from app.entrypoints.http.access import public
from app.entrypoints.http.definition import definition, response, response_error
from app.entrypoints.http.errors import HttpError
from app.ports.health import Pool
from app.ports.migrations import SchemaCheck

logger = logging.getLogger(__name__)

_BROKEN = "the storage fails in an unexpected way"


@attrs.frozen
class Health:
    """The state of the service."""

    status: str


class Readiness:
    """Knows whether the service can serve; asks its storage in the background, never on a request.

    A resource: opened last, closed first. Ready means: opened, not draining, every required pool answers, and the
    schema is there.
    """

    def __init__(
        self, pools: Sequence[Pool], schema: SchemaCheck, *, interval: float = 1.0, timeout: float = 1.0
    ) -> None:
        self.pools = PoolWatch(pools, timeout)
        self._schema = schema
        self._interval = interval
        self._timeout = timeout
        self._problem: str | None = "starting"
        self._not_ready_since = 0.0
        self._draining = False
        self._task: asyncio.Task[None] | None = None

    @property
    def problem(self) -> str | None:
        """Why the service is not ready, or None when it is."""
        return "draining" if self._draining else self._problem

    def drain(self) -> None:
        """From now on not ready, so that no new work is sent here."""
        self._draining = True

    async def open(self) -> None:
        """Ask once, so that a service which can serve is ready at once, and go on asking."""
        self._problem = await self._ask()
        if self._problem is not None:
            self._tell(self._problem)
        self._task = asyncio.create_task(self._watch(), name="readiness")

    async def close(self) -> None:
        """Stop asking."""
        self.drain()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            problem = await self._ask()
            if problem != self._problem:
                self._tell(problem)
            self._problem = problem

    def _tell(self, problem: str | None) -> None:
        if problem is not None:
            logger.warning("Not ready: %s.", problem)
            self._not_ready_since = self._not_ready_since or time.monotonic()
            return
        logger.info("Ready again, after %.1f s.", time.monotonic() - self._not_ready_since)
        self._not_ready_since = 0.0

    async def _ask(self) -> str | None:
        try:
            problem = await self.pools.look()
            if problem is not None:
                return problem
            async with asyncio.timeout(self._timeout):
                missing = await self._schema.missing()
        except (Unavailable, TimeoutError):
            return SILENT
        except Exception:
            # It goes on asking: an error that ended the task would leave the last answer standing for ever.
            if self._problem != _BROKEN:
                logger.exception("The storage answers what nobody expects.")
            return _BROKEN
        return f"run the migrations: {', '.join(missing)}" if missing else None


class HealthHandlers:
    """The routes that an orchestrator asks."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    @definition(
        path="/health/live",
        access=public,
        tags=["operations"],
        responses={"200": response(Health)},
        access_logged=False,
        limited=False,
    )
    async def live(self) -> Health:
        """Tell that the process turns. Depends on nothing else: restarting doesn't mend a database."""
        return Health("alive")

    @definition(
        path="/health/ready",
        access=public,
        tags=["operations"],
        responses={"200": response(Health), "503": response_error("Send no requests here now")},
        access_logged=False,
        limited=False,
    )
    async def ready(self) -> Health:
        """Tell whether requests can be served here now."""
        problem = self._readiness.problem
        if problem is not None:
            raise HttpError(503, "NOT_READY", f"Not ready: {problem}.", headers={"Retry-After": "1"})
        return Health("ready")

    @definition(
        path="/health_check",
        access=public,
        tags=["operations"],
        responses={"200": response(Health), "503": response_error("Send no requests here now")},
        access_logged=False,
        limited=False,
    )
    async def health_check(self) -> Health:
        """Tell whether requests can be served here now; the older name of /health/ready."""
        return await self.ready()
