"""`tap deploy-local`: deploys the stacks to an emulated AWS."""

from __future__ import annotations

import sys

import click

from tools.command import ToolCommand
from tools.local.deployment import deploy_local


@click.command(cls=ToolCommand)
def command() -> int:
    """Deploy STACKS (tap) to an emulated AWS and process the sample files.

    The deployment runs until Ctrl-C. With ONCE=1 everything is destroyed at once instead, and the
    exit code is 1 if resources remain. LOCAL_PORT (4566) is the emulator's port.
    """
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return deploy_local()
