"""One process that serves: opens, accepts, and leaves without losing what it has accepted."""

import asyncio
import gc
import logging
import socket
from collections.abc import Mapping
from functools import partial

import attrs
from aiohttp import web

from app.container import Container
from app.entrypoints.app import create_admin_app, create_app
from app.entrypoints.http.server import LEAVING, EnvelopeRunner, ServerError, ServerLimits
from app.entrypoints.limits import server_limits
from app.entrypoints.serving.drain import Drain, DrainLimits, Give
from app.entrypoints.serving.handover import Handover
from app.entrypoints.serving.link import Reason
from app.entrypoints.serving.listening import ADMIN, BACKLOG, PUBLIC, Sockets, accept_waiting

logger = logging.getLogger(__name__)

LAST_ANSWERS = 1.0
"""Seconds that requests get to end after they were cancelled."""
LOOK = 0.05
COLLECTED_AFTER = 50_000
"""Objects, where Python looks after 700."""


def spare_the_collector() -> None:
    """Look less often for garbage, and never among what the start has made: a request leaves next to none in cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, *gc.get_threshold()[1:])


class Worker:
    """Serves what a container makes on sockets that listen already.

    The way is `open`, `accept`, `leave`, `close`; `close` is right after any of them.
    """

    def __init__(self, container: Container, sockets: Sockets, handover: Handover | None = None) -> None:
        self._container = container
        self._http = container.settings().http
        self._sockets = sockets
        self._handover = handover
        # A worker has drained before its server shuts down.
        self._runners = self._make_runners(attrs.evolve(server_limits(self._http), shutdown_timeout=LAST_ANSWERS))
        self._sites: dict[str, list[web.SockSite]] = {}
        self._is_last = False
        self._adopting: set[asyncio.Task[None]] = set()

    def _make_runners(self, limits: ServerLimits) -> Mapping[str, EnvelopeRunner]:
        runners = {PUBLIC: EnvelopeRunner(create_app(self._container), limits)}
        if ADMIN in self._sockets:
            runners[ADMIN] = EnvelopeRunner(create_admin_app(self._container), limits)
        return runners

    async def open(self) -> None:
        """Open all that the service needs; nobody is let in yet."""
        for runner in self._runners.values():
            await runner.setup()

    async def wait_until_ready(self, seconds: float) -> None:
        """Return when readiness sees no problem. Raises ServerError, naming the problem, after `seconds`."""
        readiness = self._container.readiness()
        try:
            async with asyncio.timeout(seconds):
                while readiness.problem is not None:  # noqa: ASYNC110 - it asks the storage once a second, no more
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise ServerError(f"Not ready after {seconds:g} s: {readiness.problem}.") from None

    async def accept(self) -> None:
        """Let clients in, and take the connections that other workers hand over."""
        for part, runner in self._runners.items():
            for sock in self._sockets[part]:
                site = web.SockSite(runner, sock.dup(), backlog=BACKLOG)
                await site.start()
                self._sites.setdefault(part, []).append(site)
                logger.info("Listening on %s.", site.name)
        if self._handover is not None:
            self._handover.start_taking(self._adopt)

    async def leave(self, reason: Reason) -> None:
        """Return when all that was accepted is answered, or the time for it is over."""
        logger.info("Leaving: %s.", reason.name.lower())
        if reason is Reason.REPLACED and self._handover is not None:
            await self._leave_to_others(self._handover)
        else:
            await self._leave_for_good(idle=0.0 if reason is Reason.INTERRUPTED else self._http.drain_idle)

    def is_alone(self) -> None:
        """From now on nobody takes connections any more: also the others leave."""
        if self._handover is not None:
            self._handover.refuses = True

    async def close(self) -> None:
        """Close everything that was opened, in reverse, each step within its limit."""
        if self._handover is not None and not self._is_last:
            self._container.consul().hand_on()
        for runner in reversed([*self._runners.values()]):
            await runner.cleanup()
        if self._handover is not None:
            self._handover.stop_taking()

    async def _leave_to_others(self, handover: Handover) -> None:
        handover.stop_taking()
        for part in self._sites:
            await self._stop_accepting(part)
        await asyncio.gather(*(self._drain(part, 0.0, partial(handover.give, part)) for part in self._sites))

    async def _leave_for_good(self, idle: float) -> None:
        """Health and metrics stay until the end: somebody may watch how it goes."""
        self._is_last = True
        for take_leave in self._runners[PUBLIC].app[LEAVING]:
            await take_leave()
        await asyncio.sleep(self._http.drain_wait)
        await self._stop_accepting(PUBLIC)
        for sock in self._sockets[PUBLIC]:
            # What the kernel accepted would be reset with the socket.
            for connection in accept_waiting(sock):
                self._adopt(PUBLIC, connection)
            sock.close()
        await self._drain(PUBLIC, idle)
        if ADMIN in self._sites:
            await self._stop_accepting(ADMIN)
            await self._drain(ADMIN, 0.0)

    async def _stop_accepting(self, part: str) -> None:
        for site in self._sites[part]:
            await site.stop()

    async def _drain(self, part: str, idle: float, give: Give | None = None) -> None:
        server, total = self._runners[part].envelope_server, self._http.shutdown_timeout
        if await Drain(server, DrainLimits(idle, total)).run(give):
            return
        logger.warning(
            "%d connections did not end within %g s; what they wait for ends now.", len(server.protocols), total
        )
        self._container.kit().deadlines.expire_all()
        await Drain(server, DrainLimits(0.0, LAST_ANSWERS)).run(None)

    def _adopt(self, part: str, connection: socket.socket) -> None:
        if part not in self._runners:
            connection.close()
            return
        task = asyncio.get_running_loop().create_task(self._connect(part, connection))
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    async def _connect(self, part: str, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._runners[part].envelope_server, connection)
        except OSError:
            connection.close()
