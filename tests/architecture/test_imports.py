"""The import contracts of pyproject.toml hold, and each of them can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": f"{folder / 'src'}:{folder}", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


BROKEN = [
    ("domain/services/posts.py", "import app.adapters.memory.store", "A layer imports only what is below it"),
    ("domain/model/posts.py", "import msgspec", "The inside knows no library but attrs"),
    ("entrypoints/http/reply.py", "import app.domain.errors", "The HTTP kit knows nothing of this service"),
    (
        "entrypoints/api/posts.py",
        "import dependency_injector",
        "Only the composition root and the edge of the program inject",
    ),
    ("adapters/http/call.py", "import app.domain.model.posts", "The outbound HTTP kit can be taken along"),
    ("adapters/sqlite/pool.py", "import app.adapters.memory.store", "Storages and clients do not know each other"),
    ("entrypoints/api/posts.py", "import app.entrypoints.api.health", "Resources do not know each other"),
    ("adapters/sqlite/pool.py", "import app.entrypoints.http.errors", "Adapters know no entrypoint"),
    ("entrypoints/app.py", "import aiosqlite", "A driver belongs to its adapter"),
    (
        "entrypoints/http/tracing.py",
        "import opentelemetry.trace",
        "OpenTelemetry is known in one place, which only the composition root knows",
    ),
]  # fmt: skip


def test_the_contracts_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("file", "line", "contract"), BROKEN, ids=[contract for _, _, contract in BROKEN])
def test_a_broken_contract_is_noticed(tmp_path: Path, file: str, line: str, contract: str) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("swagger_ui", "__pycache__"))
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "src" / "app" / file).open("a") as source:
        source.write(f"\n{line}\n")
    assert f"{contract} BROKEN" in lint(tmp_path).stdout
