"""Gives the project another name: `make rename NAME=order-service`. It is the package's, the tokens' and the page's."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
OLD = "aiohttp-service-template"
WHERE = ("README.md", "pyproject.toml", ".env.example", "docs", "deploy", "src/app", "tests")
TEXTS = {".md", ".toml", ".py", ".yaml", ".service", ".socket", ".example"}


def rename(root: Path, name: str) -> list[Path]:
    """Write `name` wherever the old name stands, with spaces where that has spaces; the files that changed."""
    changed = []
    for path in (found for start in WHERE for found in (root / start, *sorted((root / start).rglob("*")))):
        if not path.is_file() or (path.suffix not in TEXTS and path.name != ".env.example"):
            continue
        text = path.read_text()
        new = text.replace(OLD, name)
        # Whoever wrote it stays its author, as in LICENSE.
        new = re.sub(rf"{OLD.replace('-', ' ')}(?! authors)", name.replace("-", " "), new)
        if new != text:
            path.write_text(new)
            changed.append(path)
    return changed


def main() -> int:
    """Rename, and make the next time possible."""
    name = "".join(sys.argv[1:2])
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        print("Name it in lower case, with hyphens between words: make rename NAME=order-service")
        return 2
    if "-" not in OLD:
        print(
            f"{OLD} is one word, which can't be told from ordinary ones: replace it by hand, here and where it stands."
        )
        return 2
    changed = rename(ROOT, name)
    own = Path(__file__)
    own.write_text(own.read_text().replace(f'OLD = "{OLD}"', f'OLD = "{name}"'))
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", "."], cwd=ROOT, check=True)
    print(f"It is called {name} now, in", *(f"  {path.relative_to(ROOT)}" for path in changed), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
