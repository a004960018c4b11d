"""What the documentation says is there: commands, files, links, settings."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.adapters.config.description import SettingInfo, describe
from app.adapters.config.setting import NAME
from app.adapters.config.settings import Settings
from app.entrypoints.cli import cli

ROOT = Path(__file__).parent.parent
FIRST = (
    "APP_ENV",
    "APP_STORAGE",
    "APP_DATA_DIR",
    "APP_POSTGRES__<NAME>__DSN",
    "APP_MYSQL__<NAME>__DSN",
    "APP_MONGO__<NAME>__DSN",
    "APP_HTTP__HOST",
    "APP_HTTP__PORT",
    "APP_HTTP__REQUEST_TIMEOUT",
    "APP_ADMIN__PORT",
    "APP_LOG__LEVEL",
    "APP_AUTH__SECRET",
    "APP_AUTH__JWKS_URL",
    "APP_APP_PAGES__URL",
    "APP_CONSUL__ADDRESS",
)
"""The settings that README shows; docs/settings.md has all."""
TABLES = {
    "README.md": [info for info in describe(Settings) if info.variable in FIRST],
    "docs/settings.md": describe(Settings),
}
SETTINGS = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def problems(root: Path) -> Iterator[str]:
    """Everything that a reader would trip over."""
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    names = re.compile("|".join(_pattern(info.variable) for info in describe(Settings)) + "|APP_ENV_FILE")
    for file in (root / "README.md", *sorted((root / "docs").rglob("*.md"))):
        text, where = file.read_text(), file.relative_to(root)
        for target in re.findall(r"(?:^|[`(] ?|\d )make ([a-z]+)", text, re.MULTILINE):
            if target not in targets:
                yield f"{where}: there is no `make {target}`"
        for command in re.findall(r"python -m app\.entrypoints ([a-z]+)", text):
            if command not in cli.commands:
                yield f"{where}: there is no command `{command}`"
        for name in sorted(set(re.findall(r"APP_(?:[A-Z0-9_]|<NAME>)+", text))):
            if not names.fullmatch(name):
                yield f"{where}: there is no setting {name}"
        yield from (f"{where}: {path} is not there" for path in _missing(text, file.parent, root))
    yield from _misnumbered(root / "docs/decisions")
    for name, infos in TABLES.items():
        if (root / name).read_text() != with_settings((root / name).read_text(), infos):
            yield f"{name}: the settings table is old; run python -m scripts.check_docs --write"


def _misnumbered(folder: Path) -> Iterator[str]:
    """Decisions are numbered without gaps, in their names and in their titles, and all in the index."""
    index = (folder / "README.md").read_text()
    for number, file in enumerate(sorted(folder.glob("0*.md")), start=1):
        if f"]({file.name})" not in index:
            yield f"docs/decisions/README.md: {file.name} is not in it"
        if not (file.name.startswith(f"{number:04}-") and file.read_text().startswith(f"# {number}. ")):
            yield f"docs/decisions/{file.name}: number it {number}, in its name and in its title"


def _pattern(variable: str) -> str:
    """What a variable may be called: with a name that somebody chose, or with none yet."""
    return variable.replace(NAME, f"(?:{NAME}|[A-Z][A-Z0-9_]*)")


def _missing(text: str, folder: Path, root: Path) -> Iterable[str]:
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link}
    spans = re.findall(r"`((?:src|tests|docs|migrations|scripts|deploy)/[\w./-]+)`", text)
    return [path for path in sorted(links - {""}) if not (folder / path).exists()] + [
        path for path in spans if "comments" not in path and not (root / path).exists()
    ]


def with_settings(page: str, infos: Iterable[SettingInfo]) -> str:
    """The page with a table of these settings as the code has them."""
    lines = ["| variable | default | |", "|---|---|---|"]
    for info in infos:
        default = f"`{info.default}`" if info.default else ""
        lines.append(f"| `{info.variable}` | {default} | {info.description} |")
    return SETTINGS.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], page)


def main() -> int:
    """Print the problems; 1 if there are any. With --write, renew the tables of settings first."""
    if "--write" in sys.argv[1:]:
        for name, infos in TABLES.items():
            page = ROOT / name
            page.write_text(with_settings(page.read_text(), infos))
    found = list(problems(ROOT))
    print("\n".join(found) or "The documentation names nothing that isn't there.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
