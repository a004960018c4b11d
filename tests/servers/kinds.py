"""The kinds of servers, and the four ways to one."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.processes import free_port
from tests.servers.process import UNPRIVILEGED, Launch, ServerProcess
from tests.strictness import skip_or_fail

REPOSITORY = Path(__file__).parents[2]
SHARED = REPOSITORY.parent / "shared" / "servers"
"""Scripts that start servers on machines whose packages don't have them; they may stand beside the repository."""


@attrs.frozen
class Kind:
    """A kind of server. `launch` prepares a folder for one on a port, or gives None where there are no binaries."""

    name: str
    variable: str
    hint: str
    launch: Callable[[Path, int], Launch | None]
    dsn: Callable[[int], str]
    answers: Callable[[str], bool]
    docker: Callable[[int], Sequence[str]] | None = None
    """Options and image for `docker run`, publishing this port on 127.0.0.1."""


@attrs.frozen
class Server:
    """A running server; `process` is there for a private one, which a test may ill-treat."""

    kind: str
    dsn: str
    origin: str
    process: ServerProcess | None = None


used: dict[str, str] = {}
"""What ran on what, for the summary at the end."""


@contextmanager
def server(kind: Kind, *, private: bool = False) -> Iterator[Server]:
    """A server of this kind; `private` ones are the test's own. Skips, or fails under STRICT_SERVERS, without any."""
    given = os.environ.get(kind.variable)
    if given and not private:
        used[kind.name] = f"the server of {kind.variable}"
        yield Server(kind.name, given, kind.variable)
        return
    with tempfile.TemporaryDirectory(prefix=f"{kind.name}-", ignore_cleanup_errors=True) as folder:
        where, port = Path(folder), free_port()
        _give_to(where, UNPRIVILEGED)
        launch = kind.launch(where, port)
        if launch is not None:
            with _started(kind, launch, where, port) as started:
                yield started
            return
    if kind.docker is not None and _docker_runs():
        with _in_docker(kind, kind.docker(port), port) as started:
            yield started
        return
    used[kind.name] = f"LEFT OUT: {kind.hint}"
    skip_or_fail(kind.name, kind.hint)


@contextmanager
def _started(kind: Kind, launch: Launch, folder: Path, port: int) -> Iterator[Server]:
    dsn = kind.dsn(port)
    process = ServerProcess(launch, lambda: kind.answers(dsn), folder / "server.log")
    try:
        process.start()
        used[kind.name] = f"a private server ({Path(launch.argv[0]).name})"
        yield Server(kind.name, dsn, "private", process)
    finally:
        process.stop()


def _docker_runs() -> bool:
    return shutil.which("docker") is not None and _docker("info") == 0


@contextmanager
def _in_docker(kind: Kind, options: Sequence[str], port: int) -> Iterator[Server]:
    name = f"test-{kind.name}-{port}"
    argv = ("docker", "run", "--rm", "--name", name, *options)
    log = Path(tempfile.gettempdir()) / f"{name}.log"
    process = ServerProcess(Launch(argv, user=None), lambda: kind.answers(kind.dsn(port)), log)
    try:
        process.start()
        used[kind.name] = "a container"
        yield Server(kind.name, kind.dsn(port), "docker")
    finally:
        _docker("rm", "--force", name)
        process.stop()


def _docker(*arguments: str) -> int:
    quiet = subprocess.DEVNULL
    return subprocess.run(["docker", *arguments], stdout=quiet, stderr=quiet, check=False, timeout=30).returncode


def _give_to(folder: Path, user: str | None) -> None:
    if user is not None:
        shutil.chown(folder, user)
    folder.chmod(0o755)


def binary(name: str, *folders: str) -> str | None:
    """Where a program is: in one of these folders (patterns below the root), else on the PATH."""
    for pattern in folders:
        for folder in sorted(Path("/").glob(pattern), reverse=True):
            if (folder / name).exists():
                return str(folder / name)
    return shutil.which(name)


def prepare(*argv: str, data: Path, log: Path) -> None:
    """Run a step that makes the folder `data`, as the user that the server will run as; up to three times.

    Making one fails now and then when several are made at the same time.
    """
    for attempt in range(3):
        shutil.rmtree(data, ignore_errors=True)
        with log.open("ab") as output:
            made = subprocess.run(argv, stdout=output, stderr=output, check=False, timeout=120, user=UNPRIVILEGED)
        if made.returncode == 0:
            return
        time.sleep(attempt + 0.5)
    raise AssertionError(f"{argv[0]} fails:\n{log.read_text(errors='replace')[-3000:]}")
