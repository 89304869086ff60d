"""`tap upgrade-check`: proves that an upgrade destroys and replaces nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from lib.stacks import STACKS
from tools.command import ToolCommand
from tools.errors import FAILED
from tools.upgrade_check.changes import DESTRUCTIVE, summary
from tools.upgrade_check.check import check


@click.command(cls=ToolCommand)
@click.argument("base")
@click.option(
    "--stack",
    "stacks",
    multiple=True,
    type=click.Choice([*STACKS]),
    help="Check this stack; repeatable, by default all stacks.",
)
def command(base: str, stacks: tuple[str, ...]) -> int:
    """Plan the current revision against a deployment of the revision BASE.

    Applies the JSON that BASE synthesizes to the emulator, then plans the JSON of the working
    copy. Lists all changes, and exits with 1 if a resource is destroyed or replaced. Takes about
    five minutes.
    """
    failed = False
    with tempfile.TemporaryDirectory(prefix="upgrade-check-") as folder:
        for name, found in check(base, stacks, Path(folder)):
            click.echo(summary(name, found))
            failed |= any(change.action in DESTRUCTIVE for change in found)
    return FAILED if failed else 0
