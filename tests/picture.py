"""`make picture`: takes the picture of the documentation page that README.md shows, from the running service."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.processes import ROOT, service

PICTURE = ROOT / "docs" / "images" / "docs-page.png"
SIZE = "1200,1390"


def main() -> int:
    """Write the picture; 1 without chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("Install chromium.")
        return 1
    with tempfile.TemporaryDirectory() as folder, service(Path(folder)) as running:
        subprocess.run(
            [
                chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--user-data-dir={folder}/browser",
                f"--window-size={SIZE}", "--virtual-time-budget=20000", f"--screenshot={PICTURE}",
                f"{running.url}/docs",
            ],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    print(f"Look at {PICTURE.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
