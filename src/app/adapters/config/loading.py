"""What the program calls to have its settings."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

from app.adapters.config.building import Built, Rules, build
from app.adapters.config.rules import derived, refused
from app.adapters.config.settings import Settings
from app.adapters.config.sources import Source, standard_sources

Loaded: TypeAlias = Built[Settings]


def load_settings(sources: Iterable[Source] | None = None) -> Loaded:
    """The settings out of `sources`, weakest first; those of this process and its directory if none are given.

    Raises SettingsError with everything that is wrong.
    """
    if sources is None:
        sources = standard_sources(os.environ, Path())
    return build(Settings, sources, Rules(derived, refused))
