"""The metrics of a service with several workers, kept by their parent."""

import asyncio
from collections.abc import Collection

from prometheus_client import CollectorRegistry, ProcessCollector

from app.entrypoints.serving.link import Family
from app.entrypoints.serving.process import WorkerProcess
from app.entrypoints.serving.totals import Totals, snapshot, without_states

REFRESH_TIMEOUT = 1.0


class Accounts:
    """What each worker counted, those that are gone included, and how many workers there were."""

    def __init__(self) -> None:
        self._gone = Totals()
        self._parent = CollectorRegistry()
        ProcessCollector(registry=self._parent)
        self._ends = {"died": 0, "replaced": 0}

    def close(self, worker: WorkerProcess) -> None:
        """Keep what a worker counted that has ended."""
        self._gone.add_what_stays(worker.last)
        self._ends["replaced" if worker.is_leaving else "died"] += 1

    async def text(self, workers: Collection[WorkerProcess]) -> str:
        """The sum over the workers that live and those that are gone, as Prometheus reads it."""
        await asyncio.gather(*(worker.refresh(REFRESH_TIMEOUT) for worker in workers))
        # From here on nothing is awaited: a worker is among the living or the gone, never both, never neither.
        totals = Totals()
        totals.add(self._gone.families())
        serving = [worker for worker in workers if worker.is_ready] or workers
        for worker in workers:
            # One that comes or goes is not ready, which says nothing of the service.
            totals.add(worker.last if worker in serving else without_states(worker.last))
        totals.add(snapshot(self._parent))
        totals.add(self._own(sum(worker.is_ready for worker in workers)))
        return totals.text()

    def _own(self, ready: int) -> list[Family]:
        ends = [("serve_worker_ends_total", {"reason": reason}, float(count)) for reason, count in self._ends.items()]
        return [
            Family("serve_workers", "Workers that serve.", "gauge", [("serve_workers", {}, float(ready))]),
            Family("serve_worker_ends", "Workers that ended, by reason.", "counter", ends),
        ]
