"""The secret of a developer's machine: made on the first run, kept beside the data, the same for every process."""

import os
import secrets
import tempfile
from pathlib import Path

from app.adapters.config.secret import Secret
from app.adapters.config.settings import SECRET_BYTES, Environment, Settings
from app.adapters.config.sources import Problem, SettingsError


def signing_secret(settings: Settings) -> Secret | None:
    """The secret that tokens are signed with: the one set, in dev else the kept one, or None where a JWKS URL is set.

    Raises SettingsError when the file of the kept one is not usable.
    """
    if settings.auth.jwks_url is not None or settings.auth.secret is not None or settings.env is not Environment.DEV:
        return settings.auth.secret
    return dev_secret(settings.data_dir)


def dev_secret(data_dir: Path) -> Secret:
    """The secret in `<data_dir>/dev-secret`, made if there is none. Raises SettingsError if it cannot be used."""
    path = data_dir / "dev-secret"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            _create(path)
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, "cannot be used: " + (getattr(error, "strerror", None) or "it is not text")) from error
    if len(text) < SECRET_BYTES:
        raise _unusable(path, "is too short; delete it, and a new one is made")
    return Secret(text)


def _create(path: Path) -> None:
    """Put a new secret at `path` in one step, whole, unless another process was faster."""
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=".dev-secret-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        os.link(made, path)
    except FileExistsError:
        return
    finally:
        Path(made).unlink()


def _unusable(path: Path, why: str) -> SettingsError:
    return SettingsError([Problem("APP_AUTH__SECRET", str(path), why)])
