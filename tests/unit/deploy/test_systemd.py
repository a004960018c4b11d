"""The systemd units: as systemd reads them, and as the service needs them."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import command
from tests.processes import ROOT, environment_in

UNITS = ROOT / "deploy" / "systemd"
PYTHON = "/opt/app/.venv/bin/python"


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # typeshed doesn't let it be replaced
    parser.read(UNITS / name)
    return parser


def test_only_the_parent_is_signalled_and_reload_is_what_it_understands() -> None:
    service = unit("app.service")["Service"]
    assert service["KillMode"] == "mixed"
    assert service["ExecReload"].endswith("-HUP $MAINPID")
    assert service["Type"] == "notify"


def test_the_command_is_one_of_the_service(tmp_path: Path) -> None:
    words = unit("app.service")["Service"]["ExecStart"].split()
    assert words[:3] == [PYTHON, "-m", "app.entrypoints"]
    assert command(*words[3:], "--help", environment=environment_in(tmp_path)).returncode == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for name in ("app.service", "app.socket"):
        text = (UNITS / name).read_text().replace(PYTHON, sys.executable)
        (tmp_path / name).write_text(text)
    (tmp_path / "network-online.target").write_text("[Unit]\nDescription=Network\n")
    units = [str(tmp_path / name) for name in ("app.service", "app.socket")]
    result = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", *units],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
