"""Where a service of a test starts."""

from pathlib import Path

import attrs
import pytest

from app.adapters.config.loading import Loaded, load_settings
from app.adapters.config.sources import DotEnvSource, EnvironmentSource, SettingsError

NOBODY = "http://127.0.0.1:9"
"""Where no Consul is."""


@attrs.define
class Place:
    """A folder to start a service in, with a `.env` file and an environment."""

    folder: Path
    address: str

    def load(self, *, env_file: str = "", **environment: object) -> Loaded:
        (self.folder / ".env").write_text(env_file)
        given = {"DATA_DIR": self.folder / "data", "CONSUL__ADDRESS": self.address, **environment}
        environ = {f"APP_{name}": str(value) for name, value in given.items()}
        return load_settings([DotEnvSource(self.folder / ".env"), EnvironmentSource(environ)])

    def refusal(self, **environment: object) -> str:
        with pytest.raises(SettingsError) as refused:
            self.load(**environment)  # type: ignore[arg-type]  # only environment variables are given here
        return str(refused.value)
