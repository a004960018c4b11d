"""Takes a storage out of the project: `make drop STORAGE=<name>`. What is left of it is text, which is told."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.cutting import Cutter

ROOT = Path(__file__).parent.parent
WORDS = {
    "postgres": ("postgres", "asyncpg", "psycopg"),
    "mysql": ("mysql", "mariadb"),
    "mongo": ("mongo", "motor", "bson", "gridfs"),
}
"""The storages that can go, and what names one: its own name, that of its server, and its libraries."""
SOURCES = ("src", "tests", "scripts")
TIDYING = (
    ["ruff", "format", "--quiet", "."],
    ["ruff", "check", "--quiet", "--fix", "--exit-zero", "."],
    ["ruff", "format", "--quiet", "."],
    ["scripts.check_docs", "--write"],
)
NEVER = (
    "tests/architecture/test_dropping.py",
    "tests/unit/test_cutting.py",
    "scripts/drop_storage.py",
    "scripts/cutting.py",
)
PROSE = ("README.md", "docs", "docker-compose.yml", "CHANGELOG.md", ".ci", "deploy")


def removable(root: Path) -> tuple[str, ...]:
    """The storages that can go, and have not gone yet."""
    return tuple(storage for storage in WORDS if (root / "src/app/adapters" / storage).exists())


def drop(root: Path, storage: str) -> None:
    """Everything that only this storage needs."""
    words = WORDS[storage]
    _delete(root, words)
    cutter = Cutter(words)
    files = [file for folder in SOURCES for file in sorted((root / folder).rglob("*.py")) if _may_change(file, root)]
    # Again, until nothing is left that uses what was cut.
    changed = True
    while changed:
        changed = sum(cutter.cut(file, _module(file, root)) for file in files) > 0
    _cut_project(root / "pyproject.toml", words)
    _cut_compose(root / "docker-compose.yml", words)
    _cut_prose(root, storage)
    _cut_ci(root / ".ci" / "run", words)


def _delete(root: Path, words: tuple[str, ...]) -> None:
    """Folders and files that are named for it."""
    for folder in (*SOURCES, "migrations"):
        for path in sorted((root / folder).rglob("*")):
            if path.exists() and any(word in path.name for word in words):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _may_change(file: Path, root: Path) -> bool:
    return file.relative_to(root).as_posix() not in NEVER


def _module(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[1:] if parts[0] == "src" else parts)


def _cut_project(file: Path, words: tuple[str, ...]) -> None:
    """Dependencies and import contracts: a line, or a name in a line, for each."""
    named = "|".join(words)
    text = file.read_text()
    text = re.sub(rf'^  "[^"\n]*({named})[^"\n]*",[^"\n]*\n', "", text, flags=re.MULTILINE)
    text = re.sub(rf'^"[^"\n]*({named})[^"\n]*" = .*\n', "", text, flags=re.MULTILINE)
    text = re.sub(rf'"\w*({named})\w*(\.\*)?", ', "", text)
    file.write_text(re.sub(rf"\(({named})\) \| ", "", text))


def _cut_compose(file: Path, words: tuple[str, ...]) -> None:
    """Blocks with its name as the key, lines with its variables, comments at the top, and what is empty without."""
    named, below = "|".join(words), -1
    kept: list[str] = []
    for line in file.read_text().splitlines(keepends=True):
        indent = len(line) - len(line.lstrip())
        # An empty line goes where there is one already.
        if below >= 0 and (indent > below if line.strip() else kept[-1:] == ["\n"]):
            continue
        starts = re.match(rf"\s+(({named}):|APP_({named.upper()})__)|#.*(?i:{named})", line)
        below = indent if starts else -1
        if not starts:
            kept.append(line)
    text = re.sub(rf":-({named})}}", ":-sqlite}", "".join(kept))
    file.write_text(re.sub(r"^( *)depends_on:\n(?!\1 )", "", text, flags=re.MULTILINE))


def _cut_prose(root: Path, storage: str) -> None:
    """Rows of tables, and what documents have between `<!-- storage: NAME -->` and `<!-- /storage -->`."""
    for file in (root / "README.md", *(root / "docs").rglob("*.md")):
        text = file.read_text()
        text = re.sub(rf"<!-- storage: {storage} -->.*?<!-- /storage -->\n?", "", text, flags=re.DOTALL)
        file.write_text(re.sub(rf"^\| {storage} \|.*\n", "", text, flags=re.MULTILINE))


def _cut_ci(file: Path, words: tuple[str, ...]) -> None:
    """The servers that must be there."""
    if file.exists():
        file.write_text(re.sub(rf",({'|'.join(words)})[a-z-]*", "", file.read_text()))


def left(root: Path, storage: str) -> Iterator[str]:
    """Lines that still name it, for somebody to read."""
    named = re.compile("|".join(WORDS[storage]), re.IGNORECASE)
    for name in PROSE:
        paths = [root / name] if (root / name).is_file() else sorted((root / name).rglob("*"))
        for path in (path for path in paths if path.is_file() and path.suffix != ".png"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if named.search(line):
                    yield f"  {path.relative_to(root)}:{number}: {line.strip()[:90]}"


def refusal(there: tuple[str, ...]) -> str:
    """What to name instead."""
    if not there:
        return "There is no storage left to drop: SQLite is what the tests run on, and stays."
    return (
        f"Name one of {', '.join(there)}: make drop STORAGE={there[-1]}. (SQLite is what the tests run on, and stays.)"
    )


def main() -> int:
    """Drop what the command line names, and tidy up behind it."""
    storage = "".join(sys.argv[1:2])
    if storage not in removable(ROOT):
        print(refusal(removable(ROOT)))
        return 2
    drop(ROOT, storage)
    for tidying in TIDYING:
        subprocess.run([sys.executable, "-m", *tidying], cwd=ROOT, check=True)
    example = [sys.executable, "-m", "app.entrypoints", "config", "--example"]
    with (ROOT / ".env.example").open("wb") as file:
        subprocess.run(example, cwd=ROOT, check=True, stdout=file)
    print(f"{storage} is gone from the code. These lines still tell of it:", *left(ROOT, storage), sep="\n")
    print("`make lock` leaves out the packages that only it needed; then `make check test`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
