"""The `.env.example` file: every setting with its default, and above it what it is for."""

from app.adapters.config.description import describe
from app.adapters.config.settings import Settings
from app.adapters.config.sources import ENV_FILE

_HEAD = f"""\
# Copy this file to .env (or name another one in {ENV_FILE}) and change what you need.
# Variables of the process environment win over it."""


def env_example(cls: type = Settings) -> str:
    """The whole file for `cls`; everything in it is commented out, since the defaults hold without it."""
    lines = [_HEAD]
    section = None
    for info in describe(cls):
        here = info.variable.rpartition("__")[0]
        if here != section:
            lines.append("")
            section = here
        required = ", required" if info.default is None else ""
        lines += [f"# {info.description} ({info.type}{required})", f"#{info.variable}={info.default or ''}"]
    return "\n".join(lines) + "\n"
