"""`tap plan`: prints Terraform's plan of the stacks."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from lib.synthesis import run_synthesis
from tools.command import ToolCommand
from tools.environment import account_variables
from tools.project import ROOT
from tools.terraform import Workspace


@click.command(cls=ToolCommand)
@click.argument("stacks", nargs=-1)
def command(stacks: tuple[str, ...]) -> None:
    """Synthesize STACKS and print Terraform's plan of each; changes and locks nothing.

    Without arguments the stacks of the variable STACKS, by default tap.
    """
    variables = account_variables()
    if stacks:
        variables["STACKS"] = ",".join(stacks)
    with tempfile.TemporaryDirectory(prefix="plan-") as name:
        run_synthesis(Path(name), variables, project=ROOT)
        for folder in sorted(Path(name, "stacks").iterdir()):
            workspace = Workspace(folder, variables)
            workspace.init()
            click.echo(f"# {folder.name}")
            click.echo(workspace.run("plan", "-no-color", "-input=false", "-lock=false"))
