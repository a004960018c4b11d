"""`python -m app.entrypoints`."""

from app.entrypoints.cli import cli

cli(prog_name="python -m app.entrypoints")
