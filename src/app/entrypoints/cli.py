"""The service's commands: `python -m app.entrypoints COMMAND`."""

import asyncio
import logging
import os
from contextlib import asynccontextmanager

import click
import msgspec

from app.adapters.app_pages.upstream import what_is_missing
from app.adapters.config.loading import Loaded, load_settings
from app.adapters.config.settings import Environment, Settings
from app.adapters.config.sources import SettingsError
from app.container import Container
from app.domain.errors import DomainError
from app.entrypoints.app import create_app, opened
from app.entrypoints.config_commands import config
from app.entrypoints.development import TOKEN_LIFETIME, prepare, welcome
from app.entrypoints.http.jwks import JwksTokens
from app.entrypoints.http.routing import OPERATIONS
from app.entrypoints.http.server import ServerError
from app.entrypoints.http.signature import MountError
from app.entrypoints.http.swagger import DOCUMENT
from app.entrypoints.logs import configure_logs, logged_as_json
from app.entrypoints.migrate_command import migrate
from app.entrypoints.relay_alone import relay_alone
from app.entrypoints.serving.alone import serve_alone
from app.entrypoints.serving.below import Given, serve_below
from app.entrypoints.serving.serve import serve
from app.parts import logs_as_json
from app.ports.migrations import MigrationError

logger = logging.getLogger(__name__)

EXPLAINED = (DomainError, MigrationError, MountError, ServerError, SettingsError, OSError)


MANY = ("serve", "worker")
"""Several processes with one log: which of them wrote a line stands in it."""
SERVING = (*MANY, "run", "relay")
"""Whose log somebody's programs read: it is JSON to the end, where it is JSON at all."""


class Commands(click.Group):
    """Ends with a message, not with a traceback, for every failure that has an explanation."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except EXPLAINED as error:
            if ctx.invoked_subcommand in SERVING and logged_as_json():
                logger.error(str(error))
                raise click.exceptions.Exit(1) from error
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands)
@click.option("--json-logs", is_flag=True, hidden=True, help="Log as JSON until the settings say how.")
@click.pass_context
def cli(context: click.Context, *, json_logs: bool) -> None:
    """Run and look after the service. Settings come from APP_… variables, from Consul and from .env."""
    if context.invoked_subcommand == config.name:
        return  # its commands are there also for settings that aren't usable
    constant = {"pid": os.getpid()} if context.invoked_subcommand in MANY else {}
    if json_logs:
        configure_logs("INFO", as_json=True, constant=constant)
    loaded = load_settings()
    settings = loaded.settings
    configure_logs(settings.log.level, as_json=logs_as_json(settings), constant=constant)
    for warning in loaded.warnings:
        logger.warning(warning)
    context.obj = loaded


cli.add_command(config)
cli.add_command(migrate)


@cli.command()
@click.option(
    "--prepare/--no-prepare",
    "asked",
    default=None,
    help="Migrate and put in a few samples first, in development. Without it that is done on SQLite only.",
)
@click.pass_obj
def run(loaded: Loaded, *, asked: bool | None) -> None:
    """Serve, in this process."""
    settings = loaded.settings
    _tell_what_is_missing(settings)
    if settings.env is not Environment.DEV:
        if asked:
            raise click.UsageError(f"--prepare is for development; with APP_ENV={settings.env} use `migrate`.")
        serve_alone(loaded)
        return
    container = Container(settings=settings)
    prepare(container, asked=asked)
    serve_alone(loaded, lambda: click.echo(welcome(settings, container), err=True))


@cli.command("serve")
@click.option(
    "--workers",
    default=os.cpu_count,
    show_default="one per CPU",
    type=click.IntRange(min=1, max=64),
)
@click.pass_obj
def serve_command(loaded: Loaded, workers: int) -> None:
    """Serve with several workers; SIGHUP replaces them one by one, with the code and settings of then."""
    _tell_what_is_missing(loaded.settings)  # here, and not in each worker
    serve(loaded.settings, workers)


@cli.command(hidden=True)
@click.argument("given", type=Given.decode)
@click.pass_obj
def worker(loaded: Loaded, given: Given) -> None:
    """Serve as one of the workers of `serve`, which starts this command itself."""
    serve_below(loaded, given)


@cli.command()
@click.pass_obj
def purge(loaded: Loaded) -> None:
    """Remove the idempotency keys whose time is over."""
    container = Container(settings=loaded.settings)
    click.echo(f"Removed {asyncio.run(_purge(container))} keys.")


@cli.command()
@click.option("--retry-dead", is_flag=True, help="Begin with the events that were given up.")
@click.pass_obj
def relay(loaded: Loaded, *, retry_dead: bool) -> None:
    """Pass events on until SIGINT or SIGTERM. Any number of relays share the work."""
    asyncio.run(relay_alone(loaded.settings, retry_dead=retry_dead))


@cli.command()
@click.pass_obj
def openapi(loaded: Loaded) -> None:
    """Print the OpenAPI document."""
    app = create_app(Container(settings=loaded.settings))
    click.echo(msgspec.json.format(app[DOCUMENT], indent=2).decode())


@cli.command()
@click.pass_obj
def routes(loaded: Loaded) -> None:
    """List the routes, and who may call them."""
    app = create_app(Container(settings=loaded.settings))
    operations = app[OPERATIONS]
    for operation in sorted(operations, key=lambda each: (each.path, each.method)):
        access = operation.definition.access
        who = "public" if access is None or access.is_public else " ".join(sorted(access.scopes or ())) or "any token"
        click.echo(f"{operation.method:7} {operation.path:30} {who}")


@cli.command()
@click.option("--scope", "scopes", multiple=True, default=("posts:write",), show_default=True)
@click.option("--subject", default="developer", show_default=True)
@click.option("--seconds", default=TOKEN_LIFETIME, show_default=True, type=click.IntRange(min=1))
@click.pass_obj
def token(loaded: Loaded, scopes: tuple[str, ...], subject: str, seconds: int) -> None:
    """Print a bearer token, signed with the secret of this environment."""
    tokens = Container(settings=loaded.settings).tokens()
    if isinstance(tokens, JwksTokens):
        raise click.ClickException("Tokens come from the issuer of APP_AUTH__JWKS_URL; none can be made here.")
    click.echo(tokens.issue(subject, scopes, seconds))


def _tell_what_is_missing(settings: Settings) -> None:
    """What does no harm to the start, and yet should be known."""
    pages = settings.app_pages
    missing = what_is_missing(pages.url, in_dev=settings.env is Environment.DEV) if pages.service is None else None
    if missing:
        logger.warning(missing)


async def _purge(container: Container) -> int:
    async with asynccontextmanager(opened)(container.pools()):
        return await container.idempotency().purge()
