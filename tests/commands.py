"""The service's own commands, run to their end.

Each runs in a process of its own, which is forked from one that has imported the service already: the import takes a
second, and a run of all tests needs it over fifty times. That `python -m app.entrypoints` starts from nothing is
shown by every test with a running service.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.processes import ROOT, Service

_prepared = multiprocessing.get_context("forkserver")
_prepared.set_forkserver_preload(["app.entrypoints.cli", __name__])


def command(*arguments: str, environment: dict[str, str], timeout: float = 60) -> "subprocess.CompletedProcess[str]":
    """What a command of the service prints, and its exit code. Raises TimeoutExpired when it goes on for too long."""
    with tempfile.TemporaryDirectory() as folder:
        process = _prepared.Process(target=_run, args=(arguments, environment, folder))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, timeout)
        output, errors = ((Path(folder) / name).read_text() for name in ("output", "errors"))
        return subprocess.CompletedProcess(arguments, process.exitcode, output, errors)


def token_of(running: Service) -> str:
    """A token made by the service's own command."""
    return command("token", environment=running.environment).stdout.strip()


def _run(arguments: tuple[str, ...], environment: dict[str, str], folder: str) -> None:
    """Become what `python -m app.entrypoints` would be in this environment, its output in two files of `folder`."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for stream, name in ((sys.stdout, "output"), (sys.stderr, "errors")):
        os.dup2(os.open(Path(folder) / name, os.O_CREAT | os.O_WRONLY | os.O_APPEND), stream.fileno())
    sys.argv = ["app.entrypoints", *arguments]
    runpy.run_module("app.entrypoints", run_name="__main__", alter_sys=True)
