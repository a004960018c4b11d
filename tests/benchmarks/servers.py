"""Servers to be measured, each a process on a core of its own."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import attrs

from tests.processes import ROOT, environment_in, free_port
from tests.servers.process import family

BENCH_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
PEERS = Path(__file__).parent / "peers"
SECRET = "a secret for benchmarks, of 32 bytes or more"
READY_WITHIN = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


@attrs.frozen
class Contestant:
    """How a server is started; it listens on the port in the variable `PORT`, or what `port_variable` names."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = attrs.field(factory=dict)
    headers: str = ""
    """Header lines that its requests need."""
    port_variable: str = "PORT"


@attrs.frozen
class Running:
    """A server that answers on `port`."""

    contestant: Contestant
    port: int
    pid: int

    def cpu(self) -> float:
        """CPU seconds that it has used."""
        return cpu_of(self.pid)

    def memory(self) -> int:
        """Bytes of memory that it holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used, with all its threads."""
    return sum(_times(pid)[:2])


def cpu_with_children(pid: int) -> float:
    """The same with its children's, also of those that have ended."""
    total = sum(_times(pid))
    for child in family(pid):
        with suppress(OSError):  # it ended meanwhile: the next look finds its time with its parent
            total += sum(_times(child))
    return total


def _times(pid: int) -> list[float]:
    """User and system time, then those of the children that it has waited for (proc(5), /proc/[pid]/stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(field) / _TICKS for field in fields[11:15]]


def pin(pid: int, core: int) -> None:
    """Keep a process on one core, where the system can and has several."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        for each in (pid, *family(pid)):
            os.sched_setaffinity(each, {core})


@contextmanager
def running(contestant: Contestant, folder: Path) -> Iterator[Running]:
    """This server, answering; its output goes to a file in `folder`."""
    port = free_port()
    output = folder / f"{contestant.name.replace(' ', '-')}.log"
    environment = {**contestant.environment, contestant.port_variable: str(port)}
    with output.open("ab") as log:
        process = subprocess.Popen(contestant.argv, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait(process, port, output)
        pin(process.pid, 0)
        yield Running(contestant, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, output: Path) -> None:
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=1).close()
        except urllib.error.HTTPError:
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(output.read_text()[-3000:])


EVERYTHING = {
    "ENV": "test",
    "AUTH__SECRET": SECRET,
    "LOG__FORMAT": "json",
    "RATE_LIMIT__PER_SECOND": 1e6,
    "RATE_LIMIT__BURST": 10**6,
    "CORS__ORIGINS": "https://app.example.org",
    "HTTP__IN_FLIGHT_LIMIT": 1024,
    "HTTP__REQUEST_TIMEOUT": 30,
}
"""Every feature on, and no limit that a measurement would reach."""


def ours(
    folder: Path, token: str, *, name: str = "ours", module: str = "app.entrypoints", **settings: object
) -> Contestant:
    """The whole service as an operator runs it, its access log in a file."""
    environment = environment_in(folder, **EVERYTHING, **settings) | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    headers = f"Authorization: Bearer {token}\r\n"
    return Contestant(name, (sys.executable, "-m", module, "run"), environment, headers, "APP_HTTP__PORT")


def peer(name: str, module: str, dsn: str, **environment: str) -> Contestant:
    """One of the peers, in their own environment."""
    argv = (str(BENCH_PYTHON), str(PEERS / f"{module}.py"))
    return Contestant(name, argv, {**os.environ, "DSN": dsn, **environment})


def bare(storage: str, dsn: str) -> Contestant:
    """A bare aiohttp handler on the driver of this storage."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "DSN": dsn}
    return Contestant("bare aiohttp", (sys.executable, "-m", f"tests.benchmarks.bare.{storage}"), environment)
