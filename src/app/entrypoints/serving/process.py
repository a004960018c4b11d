"""A worker as its parent sees it: a process, what it says, and the metrics that it told last."""

import asyncio
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import chain

import attrs

from app.entrypoints.logs import logged_as_json
from app.entrypoints.serving.alone import first_of
from app.entrypoints.serving.below import Given
from app.entrypoints.serving.handover import Handover
from app.entrypoints.serving.link import (
    FROM_WORKER,
    AskMetrics,
    AskSnapshot,
    Family,
    Leave,
    Link,
    Metrics,
    Ready,
    Reason,
    Report,
    Snapshot,
)
from app.entrypoints.serving.listening import Sockets

TellMetrics = Callable[[], Awaitable[str]]
"""The metrics of all workers, added up."""


@attrs.frozen
class Heritage:
    """What every worker gets from its parent."""

    sockets: Sockets
    handover: Handover


def arguments_of_a_worker() -> list[str]:
    """So that it logs as its parent does also before it knows its settings, and why it can't have them."""
    return ["--json-logs", "worker"] if logged_as_json() else ["worker"]


class WorkerProcess:
    """A running worker. It is made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process, link: Link, tell_metrics: TellMetrics) -> None:
        self._process = process
        self._link = link
        self._tell_metrics = tell_metrics
        self._answers: set[asyncio.Task[None]] = set()
        self._ready = asyncio.Event()
        self._told = asyncio.Event()
        self._ready_at = 0.0
        self.last: list[Family] = []
        self.is_leaving = False
        self.end = asyncio.create_task(self._live(), name=f"worker {process.pid}")

    @classmethod
    async def start(cls, heritage: Heritage, tell_metrics: TellMetrics) -> "WorkerProcess":
        """Start a worker from the code and the settings as they are now."""
        ours, theirs = socket.socketpair()
        with theirs:
            listening = {part: [each.fileno() for each in sockets] for part, sockets in heritage.sockets.items()}
            given = Given(
                listening, theirs.fileno(), heritage.handover.giving.fileno(), heritage.handover.taking.fileno()
            )
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "app.entrypoints", *arguments_of_a_worker(), given.encode()),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(*chain(*listening.values()), given.link, given.giving, given.taking),
                process_group=0,  # Ctrl-C is meant for the parent, which passes it on
            )
        return cls(process, await Link.over(ours), tell_metrics)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_ready(self) -> bool:
        """Whether it serves, as far as is known."""
        return self._ready.is_set() and not self.end.done() and not self.is_leaving

    @property
    def served(self) -> float:
        """Seconds since it was ready."""
        return time.monotonic() - self._ready_at if self._ready.is_set() else 0.0

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        code = self._process.returncode
        return f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with exit code {code}"

    async def wait_until_ready(self, seconds: float) -> bool:
        """True when it is ready; False when it ended first, or was killed because it took longer than `seconds`."""
        ready = asyncio.create_task(self._ready.wait())
        await first_of(ready, self.end, seconds=seconds)
        ready.cancel()
        if self.is_ready:
            return True
        self.kill()
        await asyncio.wait({self.end})
        return False

    async def leave(self, reason: Reason, patience: float) -> None:
        """Tell it to leave and return when it is gone; after `patience` seconds it is killed."""
        self.is_leaving = True
        self._link.send(Leave(reason))
        await asyncio.wait({self.end}, timeout=patience)
        self.kill()
        await asyncio.wait({self.end})

    async def refresh(self, seconds: float) -> None:
        """Have it tell its metrics; what it told before stays when it doesn't within `seconds`."""
        self._told.clear()
        self._link.send(AskSnapshot())
        told = asyncio.create_task(self._told.wait())
        await first_of(told, self.end, seconds=seconds)
        told.cancel()

    def kill(self) -> None:
        """End it at once, if it lives."""
        if self._process.returncode is None:
            self._process.kill()

    async def _live(self) -> None:
        """Ends when the process has ended and all that it said was heard."""
        while (message := await self._link.receive(FROM_WORKER)) is not None:
            match message:
                case Ready():
                    self._ready_at = time.monotonic()
                    self._ready.set()
                case Snapshot(families=families):
                    self.last = families
                    self._told.set()
                case Report(families=families):
                    self.last = families
                case AskMetrics(number=number):
                    task = asyncio.create_task(self._answer(number))
                    self._answers.add(task)
                    task.add_done_callback(self._answers.discard)
        await self._process.wait()
        self._link.close()

    async def _answer(self, number: int) -> None:
        self._link.send(Metrics(number, await self._tell_metrics()))
