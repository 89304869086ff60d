"""`tap cdktn`: lists the differences between CDKTF and its maintained fork, CDK Terrain."""

from __future__ import annotations

import click

from tools.cdktn.compare import compare, is_expected, synthesize_both
from tools.cdktn.fork import FORK_PACKAGES
from tools.command import ToolCommand
from tools.errors import FAILED


@click.command(cls=ToolCommand)
def command() -> int:
    """Synthesize STACKS (all) with CDKTF and with CDK Terrain and compare the JSON.

    Exits with 1 if a difference changes what is deployed.
    """
    ours, theirs = synthesize_both()
    count = 0
    for stack in sorted({*ours, *theirs}):
        differences = list(compare(ours.get(stack), theirs.get(stack)))
        relevant = [one for one in differences if not is_expected(one)]
        count += len(relevant)
        resources = sum(len(named) for named in ours[stack]["resource"].values())
        result = f"{len(relevant)} differences" if relevant else "no difference"
        ignored = len(differences) - len(relevant)
        print(f"{stack}: {resources} resources, {result} ({ignored} expected ones ignored)")
        for one in relevant:
            print(f"  {one}")
    print(f"compared with {', '.join(FORK_PACKAGES)}")
    return FAILED if count else 0
