"""A worker below a parent, as `serve` starts it: it tells when it is ready, leaves when told to, shares its metrics."""

import asyncio
import itertools
import signal
import socket

import attrs
import msgspec
import uvloop

from app.adapters.config.loading import Loaded
from app.container import Container
from app.entrypoints.http.errors import HttpError
from app.entrypoints.serving.alone import opened_before
from app.entrypoints.serving.handover import Handover
from app.entrypoints.serving.link import (
    TO_WORKER,
    AskMetrics,
    AskSnapshot,
    Leave,
    Link,
    Metrics,
    Ready,
    Reason,
    Report,
    Snapshot,
)
from app.entrypoints.serving.totals import snapshot
from app.entrypoints.serving.worker import Worker, spare_the_collector

METRICS_TIMEOUT = 3.0
REPORT_EVERY = 1.0


@attrs.frozen
class Given:
    """The descriptors that a worker gets from its parent: listening sockets by part, its link, the queue's two ends."""

    listening: dict[str, list[int]]
    link: int
    giving: int
    taking: int

    def encode(self) -> str:
        """As the text of a command line."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, text: str) -> "Given":
        """What `encode` wrote. Raises ValueError for anything else."""
        return msgspec.json.decode(text, type=cls)


class Parent:
    """The parent, as its worker sees it; the metrics page has it add up the metrics of all workers."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[str]] = {}

    async def text(self) -> bytes:
        """The metrics of all workers. Raises HttpError when the parent doesn't answer."""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        number = next(self._numbers)
        self._asked[number] = answer
        self._link.send(AskMetrics(number))
        try:
            async with asyncio.timeout(METRICS_TIMEOUT):
                return (await answer).encode()
        except TimeoutError as error:
            raise HttpError(503, "METRICS_UNAVAILABLE", "The workers' parent does not answer.") from error
        finally:
            del self._asked[number]

    async def listen(self, container: Container, leaving: "asyncio.Future[Reason]", worker: Worker) -> None:
        """Do what the parent says, as long as it is there; without it the service ends."""
        while (message := await self._link.receive(TO_WORKER)) is not None:
            match message:
                case Leave(reason=reason):
                    leave(leaving, reason, worker)
                case AskSnapshot():
                    self._link.send(Snapshot(snapshot(container.registry())))
                case Metrics(number=number, text=text):
                    answer = self._asked.get(number)
                    if answer is not None and not answer.done():
                        answer.set_result(text)
        leave(leaving, Reason.STOP, worker)


async def report(link: Link, container: Container) -> None:
    """Tell the parent once a second what was counted: who is killed can't tell it at the end."""
    while True:
        await asyncio.sleep(REPORT_EVERY)
        link.send(Report(snapshot(container.registry())))


def leave(leaving: "asyncio.Future[Reason]", reason: Reason, worker: Worker) -> None:
    """Leave, for the first reason that there was; when everybody leaves, nobody takes connections any more."""
    if reason is not Reason.REPLACED:
        worker.is_alone()
    if not leaving.done():
        leaving.set_result(reason)


def serve_below(loaded: Loaded, given: Given) -> None:
    """Serve as one of several workers, until the parent says to leave, or is gone.

    SIGTERM to this process alone makes it leave to the others. Raises ServerError when it doesn't become ready.
    """
    uvloop.run(_serve_below(loaded, given))


async def _serve_below(loaded: Loaded, given: Given) -> None:
    link = await Link.over(socket.socket(fileno=given.link))
    parent = Parent(link)
    container = Container(settings=loaded.settings, loaded=loaded, metrics_source=parent)
    sockets = {part: [socket.socket(fileno=each) for each in fds] for part, fds in given.listening.items()}
    worker = Worker(container, sockets, Handover.of(given.giving, given.taking))
    leaving: asyncio.Future[Reason] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave, leaving, Reason.REPLACED, worker)
    listening = asyncio.create_task(parent.listen(container, leaving, worker), name="parent")
    reporting = asyncio.create_task(report(link, container), name="report")
    try:
        if await opened_before(leaving, worker, loaded.settings.serve.start_timeout):
            spare_the_collector()
            await worker.accept()
            link.send(Ready())
            await worker.leave(await leaving)
    finally:
        await worker.close()
        reporting.cancel()
        link.send(Snapshot(snapshot(container.registry())))
        await link.flush()
        link.close()
        listening.cancel()
