"""`tap synth`: writes Terraform's JSON."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from tools.command import ToolCommand
from tools.project import ROOT


@click.command(cls=ToolCommand)
@click.argument("stacks", nargs=-1)
def command(stacks: tuple[str, ...]) -> int:
    """Write Terraform's JSON of STACKS into cdktf.out, or into the folder CDKTF_OUTDIR.

    Without arguments the stacks of the variable STACKS, by default tap.
    """
    environment = dict(os.environ)
    if stacks:
        environment["STACKS"] = ",".join(stacks)
    done = subprocess.run([sys.executable, "main.py"], cwd=ROOT, env=environment, check=False)
    return done.returncode
