"""A server as a child process, which a test may kill, freeze and start again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import attrs

READY_WITHIN = 120.0
STOPPED_WITHIN = 20.0
UNPRIVILEGED = "nobody" if os.geteuid() == 0 else None
"""Databases refuse to run as root."""


@attrs.frozen
class Launch:
    """How a private server is started: its command, as whom, and what its environment has besides."""

    argv: Sequence[str]
    user: str | None = UNPRIVILEGED
    environment: Mapping[str, str] = attrs.field(factory=dict)


class ServerProcess:
    """One server. `answers` tells whether it serves; all signals go to its own pid and those of its children."""

    def __init__(self, launch: Launch, answers: Callable[[], bool], log: Path) -> None:
        self._launch = launch
        self._answers = answers
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "It was not started."
        return self._process.pid

    def start(self) -> None:
        """Start it and return when it answers; fails with its output when it doesn't."""
        end = time.monotonic() + READY_WITHIN
        self._spawn()
        while time.monotonic() < end:
            if self._answers():
                return
            if self._process is not None and self._process.poll() is not None:
                # After a SIGKILL its orphans may still hold the data for a moment.
                time.sleep(0.2)
                if time.monotonic() > end - READY_WITHIN + STOPPED_WITHIN:
                    break
                self._spawn()
            time.sleep(0.05)
        raise AssertionError(
            f"{self._launch.argv[0]} does not answer:\n{self._log.read_text(errors='replace')[-3000:]}"
        )

    def stop(self) -> None:
        """End it in order; by force when that takes too long."""
        if self._process is None:
            return
        self.thaw()
        self._process.terminate()
        try:
            self._process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it and its children without a warning, as a crash does."""
        for pid in (*family(self.pid), self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(STOPPED_WITHIN)

    def freeze(self) -> None:
        """Stop it and its children in mid-step; connections stay open and nothing answers."""
        pids = (self.pid, *family(self.pid))
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        # A signal is on its way until one of the process's threads takes it: on a busy machine others still answer.
        end = time.monotonic() + STOPPED_WITHIN
        while any(map(_still_runs, pids)) and time.monotonic() < end:
            time.sleep(0.001)

    def thaw(self) -> None:
        """Let it go on."""
        for pid in (*family(self.pid), self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _spawn(self) -> None:
        launch = self._launch
        environment = {**os.environ, **launch.environment}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(launch.argv, stdout=log, stderr=log, user=launch.user, env=environment)


def _still_runs(pid: int) -> bool:
    """Whether a thread of the process is neither stopped nor gone (proc(5), the state after the name)."""
    try:
        stats = [file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:
        return False
    return any(stat.rpartition(")")[2].split()[0] not in "TtZX" for stat in stats)


def family(pid: int) -> Iterator[int]:
    """The children of a process, and theirs."""
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, file.read_text().split()):
                yield child
                yield from family(child)
