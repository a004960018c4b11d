"""The lock files hold, hashed, one version of everything that pyproject.toml asks for. Needs no network."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)
FOREIGN = re.compile(r"https?://|file:|--index-url|--find-links|--extra-index-url| @ ")


def problems(root: Path) -> Iterator[str]:
    """Why `pip install --require-hashes` would not give what pyproject.toml asks for."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    runtime = project["project"]["dependencies"]
    traced = [*runtime, *project["project"]["optional-dependencies"]["otel"]]
    yield from _problems_of(root / "requirements.lock", runtime)
    yield from _problems_of(root / "requirements-otel.lock", traced)
    yield from _problems_of(root / "requirements-dev.lock", [*traced, *project["dependency-groups"]["dev"]])
    yield from _disagreements(root / "requirements.lock", root / "requirements-otel.lock")
    yield from _disagreements(root / "requirements-otel.lock", root / "requirements-dev.lock")
    if "pydantic" in _pinned(root / "requirements.lock"):
        yield "requirements.lock: pydantic is in it, which dependency-injector would import at each start"


def _problems_of(lock: Path, wanted: list[str]) -> Iterator[str]:
    pinned, text = _pinned(lock), lock.read_text()
    for line in wanted:
        requirement = Requirement(line)
        version = pinned.get(canonicalize_name(requirement.name))
        if version is None:
            yield f"{lock.name}: {requirement.name} is missing; run make lock"
        elif not requirement.specifier.contains(version, prereleases=True):
            yield f"{lock.name}: {requirement.name} {version} is not {requirement.specifier}; run make lock"
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text):
        if PINNED.match(entry) and "--hash=sha256:" not in entry:
            yield f"{lock.name}: {entry.split()[0]} has no hash"
    if FOREIGN.search(text):
        yield f"{lock.name}: it names an index or an address"


def _disagreements(smaller: Path, larger: Path) -> Iterator[str]:
    more = _pinned(larger)
    for name, version in _pinned(smaller).items():
        if more.get(name) != version:
            yield f"{larger.name}: {name} is {more.get(name)}, and {version} in {smaller.name}"


def _pinned(lock: Path) -> dict[str, Version]:
    return {canonicalize_name(name): Version(version) for name, version in PINNED.findall(lock.read_text())}


def main() -> int:
    """Print the problems; 1 if there are any."""
    found = list(problems(ROOT))
    print("\n".join(found) or "The lock files agree with pyproject.toml.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
