"""The command ``tap diagrams``."""

from __future__ import annotations

import click

from lib.stacks import STACKS
from tools.command import ToolCommand
from tools.diagrams.stacks import FOLDER, draw_stacks
from tools.project import ROOT


@click.command(cls=ToolCommand)
@click.argument("stacks", nargs=-1, type=click.Choice(list(STACKS)))
def command(stacks: tuple[str, ...]) -> int:
    """Draw STACKS (all) into docs/architecture, as config/dev.toml configures them.

    Prints each file and whether it has changed. Exit codes: 0 success; 2 invalid input or settings.
    """
    FOLDER.mkdir(exist_ok=True)
    for name, text in draw_stacks(stacks or STACKS).items():
        file = FOLDER / f"{name}.svg"
        changed = not file.exists() or file.read_text(encoding="utf-8") != text
        file.write_text(text, encoding="utf-8", newline="\n")
        click.echo(f"{file.relative_to(ROOT)}: {'written' if changed else 'unchanged'}")
    return 0
