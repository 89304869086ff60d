"""`tap cross-check`: deploys TapStack to a second emulator and lists what it observed."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from tools import terraform
from tools.checks import Result, Verdict, has_failed, line, perform, summary
from tools.command import ToolCommand
from tools.cross_check.account import Ministack
from tools.cross_check.database import ClusterDatabase
from tools.cross_check.deployment import Deployment
from tools.cross_check.observations import OBSERVATIONS
from tools.errors import FAILED
from tools.project import ROOT

FOLDER = ROOT / ".local" / "cross-check"


def observe(folder: Path) -> list[Result]:
    """Deploy the stack and print each observation; nothing runs afterwards."""
    width = max(map(len, OBSERVATIONS))
    results: list[Result] = []
    with ExitStack() as stack:
        database = stack.enter_context(ClusterDatabase(folder))
        account = stack.enter_context(
            Ministack(folder, variables=database.variables, on_cluster=database.create)
        )
        deployment = Deployment(account, database, folder)
        for name, function in OBSERVATIONS.items():
            result = perform(name, lambda function=function: function(deployment))  # type: ignore[misc]
            print(line(result, width), flush=True)
            results.append(result)
    return results


@click.command(cls=ToolCommand)
def command() -> int:
    """Apply TapStack to ministack, a second emulator, and list what was observed.

    ministack evaluates policies, invokes the function with messages of the queue, and delivers
    events and alarms; PostgreSQL replaces Aurora. Prints one line per observation; exit code 1 if
    one differs from AWS. Nothing is destroyed: the account ends with the command. Takes about four
    minutes; logs are in .local/cross-check.
    """
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    terraform.environment()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    results = observe(FOLDER)
    print(f"cross-check: {summary(results)}; logs in {FOLDER.relative_to(ROOT)}")
    undetermined = any(one.verdict is Verdict.UNDETERMINED for one in results)
    return FAILED if has_failed(results) or undetermined else 0
