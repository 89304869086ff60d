"""`tap checkov`: checkov alone, of what `tap policy` evaluates."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from tools.checkov import runner
from tools.command import ToolCommand
from tools.errors import FAILED
from tools.policy.synthesis import synthesize


@click.command(cls=ToolCommand)
@click.argument("stacks", nargs=-1)
def command(stacks: tuple[str, ...]) -> int:
    """Run checkov on STACKS (default: the variable STACKS, else all stacks).

    Reports failed checks that no suppression covers, and suppressions without effect. Writes the
    suppressions as a baseline of checkov to .local/checkov-baseline.json.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = runner.evaluate(Path(folder), synthesize(Path(folder), stacks))
    runner.write_baseline(result.suppressed)
    for finding in result.findings:
        click.echo(str(finding))
    click.echo(
        f"checkov: {result.passed} checks passed, {len(result.suppressed)} suppressed,"
        f" {len(result.findings)} failed"
    )
    return FAILED if result.findings else 0
