"""The commands around settings: `python -m app.entrypoints config …`."""

import sys

import click

from app.adapters.config import editing
from app.adapters.config.example import env_example
from app.adapters.config.loading import load_settings, local_layers


@click.group(invoke_without_command=True)
@click.option("--example", is_flag=True, help="Print an .env file with every setting and its default.")
@click.pass_context
def config(context: click.Context, *, example: bool) -> None:
    """Print every setting, its value (secrets masked), and where it comes from."""
    if context.invoked_subcommand is not None:
        return
    if example:
        click.echo(env_example(), nl=False)
        return
    loaded = load_settings()
    for warning in loaded.warnings:
        click.echo(warning, err=True)
    rows = loaded.rows()
    width = max(len(row.variable) for row in rows)
    for row in rows:
        click.echo(f"{row.variable:{width}}  {row.value:40}  {row.origin}")


@config.command()
@click.argument("key")
@click.argument("value")
def put(key: str, value: str) -> None:
    """Write a setting to Consul, unless the settings would not be usable with it.

    KEY is as in http/port or APP_HTTP__PORT. A VALUE of - is read from standard input, as others can see arguments.
    """
    text = sys.stdin.read().removesuffix("\n") if value == "-" else value
    click.echo(f"Put {editing.put(local_layers(), key, text)}.")


@config.command()
def diff() -> None:
    """Compare the settings in Consul with those that hold without it."""
    found, problems = editing.differences(local_layers())
    for line in editing.lines(found):
        click.echo(line)
    for problem in problems:
        click.echo(problem)
    if not found and not problems:
        click.echo("Consul changes nothing.")
