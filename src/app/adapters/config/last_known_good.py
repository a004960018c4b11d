"""The settings that Consul held when they were last usable, in a file beside the data, for a start without Consul."""

import base64
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import attrs

FILE = "consul-last-good.json"


@attrs.frozen
class LastKnownGood:
    """Keeps what Consul held below one prefix. The file may hold secrets; only its owner can read it."""

    folder: Path
    prefix: str

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / FILE

    def load(self) -> dict[str, bytes] | None:
        """What was kept, or None if there is nothing for this prefix or the file is damaged."""
        try:
            kept = json.loads(self.path.read_bytes())
            if kept["prefix"] != self.prefix:
                return None
            return {str(key): base64.b64decode(text, validate=True) for key, text in kept["values"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def save(self, values: Mapping[str, bytes]) -> None:
        """Keep these in one step, whole. Raises OSError."""
        encoded = {key: base64.b64encode(value).decode() for key, value in values.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=self.folder, prefix=f".{FILE}-")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump({"prefix": self.prefix, "values": encoded}, file)
                file.flush()
                os.fsync(file.fileno())
            Path(made).replace(self.path)
        except OSError:
            Path(made).unlink(missing_ok=True)
            raise
