"""The service as a process of its own, as an operator runs it."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """A port that nobody listens on, below the ephemeral ones; at random, since others look for one as well."""
    for _ in range(100):
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("There is no free port.")


def environment_in(folder: Path, **settings: object) -> dict[str, str]:
    """An environment whose only APP_ settings are these, and whose data lies in `folder`."""
    (folder / "given.env").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("APP_")}
    given = {"DATA_DIR": folder, "ENV_FILE": folder / "given.env", **settings}
    named = {f"APP_{name}": str(value) for name, value in given.items()}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), **named}


@attrs.frozen
class Service:
    """A running service."""

    url: str
    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]
    output: Path

    @property
    def operations(self) -> str:
        """Where health and metrics are."""
        admin = self.environment.get("APP_ADMIN__PORT")
        return f"http://127.0.0.1:{admin}" if admin else self.url


@contextmanager
def service(folder: Path, *arguments: str, **settings: object) -> Iterator[Service]:
    """The service on SQLite in `folder`, ready, started by `run` unless `arguments` say otherwise (`-m`: a module).

    Ended afterwards in whatever state it is: a second signal ends it at once.
    """
    port = free_port()
    environment = environment_in(folder, HTTP__PORT=port, **settings)
    output = folder / "output.log"
    with output.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *_argv(arguments)],
            cwd=ROOT, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        found = Service(f"http://127.0.0.1:{port}", process, environment, output)
        wait_until_ready(found)
        yield found
    finally:
        end(process)


def _argv(arguments: tuple[str, ...]) -> tuple[str, ...]:
    return arguments if arguments[:1] == ("-m",) else ("-m", "app.entrypoints", *(arguments or ("run",)))


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a process, and the workers below it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        process.send_signal(number)
    try:
        process.wait(10)
    finally:
        process.kill()
        process.wait()


def wait_until_ready(running: Service, seconds: float = 20) -> None:
    """Return when the service says that it is ready; fails with its output when it doesn't."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and running.process.poll() is None:
        try:
            urllib.request.urlopen(f"{running.operations}/health/ready", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(running.output.read_text())


def printed(running: Service, words: str, seconds: float = 10) -> str:
    """What it has printed, as soon as `words` stand there; fails with what there is when they don't come."""
    end = time.monotonic() + seconds
    while words not in (output := running.output.read_text()):
        assert time.monotonic() < end, output
        time.sleep(0.02)
    return output


@contextmanager
def upstream(folder: Path) -> Iterator[str]:
    """The URL of a stand-in for app_pages, as `make upstream` serves it, on a port of its own."""
    port = free_port()
    environment = environment_in(folder)
    process = subprocess.Popen([sys.executable, "-m", "tests.upstream", str(port)], cwd=ROOT, env=environment)
    try:
        wait_until_listening(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_until_listening(port: int, process: "subprocess.Popen[bytes]", seconds: float = 20) -> None:
    """Return when somebody listens on `port`; fails when the process ends before, or takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"Nobody listens on port {port}.")
