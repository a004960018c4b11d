"""The command that changes a storage's schema: `python -m app.entrypoints migrate`."""

from collections.abc import Sequence

import click

from app.adapters.config.loading import Loaded
from app.container import Container
from app.ports.migrations import Migration, MigrationError, up_to


@click.command()
@click.option("--to", help="The last step to apply, by its number.")
@click.option("--rollback", type=click.IntRange(min=1), help="Take back that many steps, the one applied last first.")
@click.option("--status", is_flag=True, help="Only tell which steps are applied.")
@click.option("--dry-run", is_flag=True, help="Only tell which steps would be applied, or taken back.")
@click.pass_obj
def migrate(loaded: Loaded, to: str | None, rollback: int | None, *, status: bool, dry_run: bool) -> None:
    """Bring the storage to the schema that the code expects."""
    if status and (dry_run or to is not None or rollback is not None):
        raise click.UsageError("--status stands alone: it only tells which steps are applied.")
    if to is not None and rollback is not None:
        raise click.UsageError("Choose one of --to and --rollback: --to only applies steps.")
    migrations = Container(settings=loaded.settings).migrations()
    known = migrations.status()
    if status:
        click.echo("\n".join(f"{'applied' if step.applied else 'missing'}  {step.id}" for step in known))
    elif rollback is not None:
        going = to_take_back(known, rollback)
        _tell(*(("would take back", going) if dry_run else ("took back", migrations.rollback(rollback))))
    else:
        missing = to_apply(known, to)
        _tell(*(("would apply", missing) if dry_run else ("applied", migrations.apply(to))))


def to_apply(known: Sequence[Migration], to: str | None) -> list[str]:
    """The steps that are missing up to `to`. Raises MigrationError where there is no such step, or more is applied."""
    wanted = up_to([step.id for step in known], to)
    beyond = [step.id for step in known[len(wanted) :] if step.applied]
    if beyond:
        raise MigrationError(f"Already beyond that: {', '.join(beyond)} applied. Take steps back with --rollback.")
    return [step.id for step in known[: len(wanted)] if not step.applied]


def to_take_back(known: Sequence[Migration], count: int) -> list[str]:
    """The steps to take back, latest first. Raises MigrationError where fewer are applied."""
    applied = [step.id for step in reversed(known) if step.applied]
    if count > len(applied):
        raise MigrationError(f"Only {len(applied)} of the {count} steps to take back are applied; nothing was changed.")
    return applied[:count]


def _tell(what: str, ids: Sequence[str]) -> None:
    click.echo("\n".join(f"{what}  {name}" for name in ids) or "Nothing to apply.")
