"""The command `plan-review`."""

from __future__ import annotations

from pathlib import Path

import click

from tools.command import ToolCommand
from tools.errors import ToolError
from tools.plan_review.document import load, plan_fields, source_fields
from tools.plan_review.evaluation import evaluate
from tools.plan_review.model import Plan
from tools.plan_review.output import log, report_options, write_report
from tools.plan_review.reader import read
from tools.plan_review.report import report
from tools.project import require_checkout


@click.command("plan-review", cls=ToolCommand)
@click.argument("plan", required=False)
@click.option(
    "--source",
    metavar="FILE",
    help=(
        "The synthesized JSON of PLAN (cdk.tf.json): with it the report names constructs and"
        " applies suppressions."
    ),
)
@report_options
def command(plan: str | None, source: str | None, output: Path | None, full: Path | None) -> int:
    """Review a Terraform plan and print a report with the verdict safe, look or stop.

    PLAN is the output of `terraform show -json PLAN_FILE` for a plan of any project; `-` reads it
    from standard input. Without PLAN, the command synthesizes and plans the stacks in STACKS
    (default tap) with the AWS credentials of the environment.

    Exit codes: 0 safe, 3 look, 1 stop, 2 invalid input.
    """
    result = evaluate(_plans(plan, source))
    write_report(output, full, report(result), report(result, limit=None))
    return result.level.exit_code


def _plans(plan: str | None, source: str | None) -> list[Plan]:
    if plan is None:
        if source is not None:
            raise ToolError(
                "--source: received a file without PLAN; accepted: both or neither. Name the plan."
            )
        return _plan_stacks()
    name = "plan" if plan == "-" else Path(plan).stem
    document = load(plan, plan_fields(plan))
    if source is None:
        return [read(document, name=name)]
    return [read(document, load(source, source_fields(source)))]


def _plan_stacks() -> list[Plan]:
    require_checkout("plan-review")
    # The review of a file imports neither the settings, the synthesis nor Terraform.
    from tools.plan_review.planning import plan_stacks

    return list(plan_stacks(log=log))
