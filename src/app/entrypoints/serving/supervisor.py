"""The parent of several workers: it listens, starts them, keeps them alive, replaces them, and ends them."""

import asyncio
import logging
import os
import signal

import attrs

from app.entrypoints.http.server import ServerError
from app.entrypoints.serving import notify
from app.entrypoints.serving.accounts import Accounts
from app.entrypoints.serving.alone import FAILED_BY_SIGNAL, first_of
from app.entrypoints.serving.backoff import Backoff
from app.entrypoints.serving.link import Reason
from app.entrypoints.serving.process import Heritage, WorkerProcess

logger = logging.getLogger(__name__)

FIRST_TRIES = 3


@attrs.frozen
class Plan:
    """How many workers, how long one may take to become ready, and how long to leave (seconds)."""

    workers: int
    start_timeout: float
    patience: float


class Supervisor:
    """Keeps as many workers serving as planned.

    SIGHUP replaces them one by one: a new one is ready before an old one leaves. SIGTERM and SIGINT end the service; a
    second one ends it at once.
    """

    def __init__(self, plan: Plan, heritage: Heritage) -> None:
        self._plan = plan
        self._heritage = heritage
        self._accounts = Accounts()
        self._backoff = Backoff()
        self._workers: set[WorkerProcess] = set()
        self._wake = asyncio.Event()
        self._reload_wanted = False
        self._stop: asyncio.Future[Reason] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Serve until told to stop. Raises ServerError when no worker can start."""
        self._listen_to_signals()
        logger.info("Parent %d starts %d workers; SIGHUP to it replaces them.", os.getpid(), self._plan.workers)
        keeping = asyncio.create_task(self._keep(), name="keep workers")
        await first_of(keeping, self._stop)
        notify.notify(notify.STOPPING)
        keeping.cancel()
        await asyncio.wait({keeping})
        await self._end_all(self._stop.result() if self._stop.done() else Reason.STOP)
        if not keeping.cancelled():
            keeping.result()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._want_reload)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._want_stop, number)

    def _want_reload(self) -> None:
        self._reload_wanted = True
        self._wake.set()

    def _want_stop(self, number: signal.Signals) -> None:
        if self._stop.done():
            for worker in self._workers:
                worker.kill()
            os._exit(FAILED_BY_SIGNAL + number)
        self._stop.set_result(Reason.INTERRUPTED if number is signal.SIGINT else Reason.STOP)

    async def _keep(self) -> None:
        await self._start_first()
        await self._fill_up()
        logger.info("%d workers serve.", self._plan.workers)
        notify.notify(notify.READY)
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._reload_wanted:
                await self._reload()
            await self._fill_up()

    async def _start_first(self) -> None:
        """One worker alone shows whether any can start."""
        for _ in range(FIRST_TRIES):
            if await self._start():
                return
            await asyncio.sleep(self._backoff.pause)
        raise ServerError(f"No worker could start in {FIRST_TRIES} tries; the lines above tell what stops them.")

    async def _fill_up(self) -> None:
        while (missing := self._plan.workers - sum(worker.is_ready for worker in self._workers)) > 0:
            pause = self._backoff.pause
            if pause:
                logger.warning("Workers die soon after their start; the next one is started in %g s.", pause)
                await asyncio.sleep(pause)
            await asyncio.gather(*(self._start() for _ in range(1 if pause else missing)))

    async def _start(self) -> bool:
        """Start a worker; False when it doesn't become ready."""
        try:
            worker = await WorkerProcess.start(self._heritage, self._metrics)
        except OSError:
            logger.exception("No process could be started.")
            self._backoff.died(0)
            return False
        self._workers.add(worker)
        worker.end.add_done_callback(lambda _: self._ended(worker))
        is_ready = await worker.wait_until_ready(self._plan.start_timeout)
        if is_ready:
            logger.info("Worker %d serves.", worker.pid)
        return is_ready

    def _ended(self, worker: WorkerProcess) -> None:
        self._workers.discard(worker)
        self._accounts.close(worker)
        if not worker.is_leaving:
            logger.error("Worker %d %s.", worker.pid, worker.outcome)
            self._backoff.died(worker.served)
        self._wake.set()

    async def _reload(self) -> None:
        self._reload_wanted = False
        notify.notify(notify.reloading())
        old = [each for each in self._workers if each.is_ready]
        logger.info("SIGHUP: replacing %d workers.", len(old))
        for worker in old:
            if not await self._start():
                logger.error("The new worker could not start, so nothing is replaced; the old ones serve on.")
                break
            await worker.leave(Reason.REPLACED, self._plan.patience)
        else:
            logger.info("%d workers were replaced.", len(old))
        notify.notify(notify.READY)

    async def _end_all(self, reason: Reason) -> None:
        for sockets in self._heritage.sockets.values():
            for sock in sockets:
                sock.close()
        await asyncio.gather(*(worker.leave(reason, self._plan.patience) for worker in self._workers))

    async def _metrics(self) -> str:
        return await self._accounts.text(self._workers)
