"""A storage can be taken out, and the project renamed: what is left is whole."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.drop_storage import refusal, removable
from scripts.rename import OLD

ROOT = Path(__file__).parents[2]
COPIED = ("src", "tests", "scripts", "migrations", "docs", "deploy", ".ci")
LEFT = ("tests/unit", "tests/architecture", "tests/contract", "tests/e2e/test_posts.py")
ENTRYPOINT = (".venv/bin/python", "-m", "app.entrypoints")
REMOVABLE = removable(ROOT)
COMBINATIONS = list(dict.fromkeys([REMOVABLE, *[(each,) for each in REMOVABLE]]))

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("dropping")]
can_be_renamed = pytest.mark.skipif("-" not in OLD, reason="a name of one word is for good")


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


@pytest.mark.skipif(not REMOVABLE, reason="every storage that can be dropped is gone")
@pytest.mark.parametrize("storages", COMBINATIONS, ids="+".join)
def test_what_is_left_of_a_dropped_storage_is_whole(copy: Path, storages: tuple[str, ...]) -> None:
    for storage in storages:
        assert f"{storage} is gone" in make(copy, "drop", f"STORAGE={storage}")
        assert mentions(copy, f"adapters.{storage}") == []
        assert not (copy / "migrations" / storage).exists()
    make(copy, "check")
    # Where some are left, their tests were run where nothing is dropped.
    tests = LEFT if storages == REMOVABLE else ("tests/unit/deploy",)
    run(copy, ".venv/bin/python", "-m", "pytest", "-q", "-x", "-p", "no:schemathesis", "-m", "not long", *tests)
    refused = run(copy, *ENTRYPOINT, "routes", code=1, APP_STORAGE=storages[0])
    assert "APP_STORAGE (environment): must be sqlite" in refused
    assert "Traceback" not in refused


def test_what_cannot_be_dropped_is_told(copy: Path) -> None:
    told = run(copy, ".venv/bin/python", "-m", "scripts.drop_storage", "sqlite", code=2)
    assert refusal(REMOVABLE) in told


def test_what_is_gone_is_not_offered() -> None:
    assert "Name one of postgres, mysql: make drop STORAGE=mysql." in refusal(("postgres", "mysql"))
    assert "Name one" not in refusal(())


def written_by(folder: Path) -> tuple[str, list[str]]:
    """Who holds the licence, and who the package's authors are."""
    authors = [line for line in (folder / "pyproject.toml").read_text().splitlines() if line.startswith("authors = ")]
    return (folder / "LICENSE").read_text(), authors


@can_be_renamed
def test_a_renamed_project_is_whole(copy: Path) -> None:
    make(copy, "rename", "NAME=order-service")
    make(copy, "check")
    shown = run(copy, *ENTRYPOINT, "config")
    assert "order service" in shown
    assert "order-service" in shown
    assert "aiohttp-service" not in shown
    assert written_by(copy) == written_by(ROOT)


@can_be_renamed
def test_a_name_of_one_word_is_for_good(copy: Path) -> None:
    make(copy, "rename", "NAME=billing")
    assert "billing" in run(copy, *ENTRYPOINT, "config")
    readme = (copy / "README.md").read_text()
    told = run(copy, ".venv/bin/python", "-m", "scripts.rename", "order-service", code=2)
    assert "billing is one word" in told
    assert (copy / "README.md").read_text() == readme
