"""A storage can be taken out, and the project renamed: what is left is whole."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = ("src", "tests", "scripts", "migrations", "docs", "deploy", ".ci")
LEFT = ("tests/unit", "tests/architecture", "tests/contract", "tests/e2e/test_posts.py")
ENTRYPOINT = (".venv/bin/python", "-m", "app.entrypoints")
REMOVABLE = ("postgres", "mysql", "mongo")

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("dropping")]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project, with the environment of this one."""
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ROOT.iterdir():
        if file.is_file() and file.name != ".env":
            shutil.copy(file, tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def run(folder: Path, *command: str, code: int = 0, **variables: str) -> str:
    """What a command in the copy prints; it must end so."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("APP_", "MAKE", "PYTEST"))}
    environment |= {"PYTHONPATH": str(folder / "src"), **variables}
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    printed = result.stdout + result.stderr
    assert result.returncode == code, printed[-5000:]
    return printed


def make(folder: Path, *arguments: str) -> str:
    """What a target prints; the environment is up to date, whatever the times of copied files are."""
    return run(folder, "make", "-o", ".venv/.dev", "-o", ".venv/.runtime", *arguments)


def mentions(folder: Path, word: str) -> list[str]:
    """Where the service's code still names it."""
    return [str(file) for file in (folder / "src/app").rglob("*.py") if word in file.read_text().lower()]


@pytest.mark.parametrize("storages", [REMOVABLE, *[(each,) for each in REMOVABLE]], ids="+".join)
def test_what_is_left_of_a_dropped_storage_is_whole(copy: Path, storages: tuple[str, ...]) -> None:
    for storage in storages:
        assert f"{storage} is gone" in make(copy, "drop", f"STORAGE={storage}")
        assert mentions(copy, f"adapters.{storage}") == []
        assert not (copy / "migrations" / storage).exists()
    make(copy, "check")
    if len(storages) > 1:  # the tests of the others were run where nothing is dropped
        run(copy, ".venv/bin/python", "-m", "pytest", "-q", "-x", "-p", "no:schemathesis", "-m", "not long", *LEFT)
    refused = run(copy, *ENTRYPOINT, "routes", code=1, APP_STORAGE=storages[0])
    assert "APP_STORAGE (environment): must be sqlite" in refused
    assert "Traceback" not in refused


def test_what_cannot_be_dropped_is_told(copy: Path) -> None:
    told = run(copy, ".venv/bin/python", "-m", "scripts.drop_storage", "sqlite", code=2)
    assert "Name one of postgres, mysql, mongo" in told


def test_a_renamed_project_is_whole(copy: Path) -> None:
    make(copy, "rename", "NAME=order-service")
    make(copy, "check")
    shown = run(copy, *ENTRYPOINT, "config")
    assert "order service" in shown
    assert "order-service" in shown
    assert "aiohttp-service" not in shown
