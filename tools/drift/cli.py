"""The command `drift`."""

from __future__ import annotations

from pathlib import Path

import click

from tools.command import ToolCommand
from tools.drift.events import EventHistory
from tools.drift.report import report
from tools.plan_review.drift import detect_drift
from tools.plan_review.output import log, report_options, write_report
from tools.plan_review.planning import plan_stacks

NO_DRIFT, DRIFT = 0, 1


@click.command("drift", cls=ToolCommand)
@report_options
def command(output: Path | None, full: Path | None) -> int:
    """Report resources of the stacks in STACKS (default tap) that were changed outside Terraform.

    The report lists the CloudTrail events that changed each resource. Exit codes: 0 no drift,
    1 drift, 2 invalid input.
    """
    found = [(plan, detect_drift(plan)) for plan in plan_stacks("-refresh-only", log=log)]
    history = EventHistory()
    events = {
        (plan.name, one.change.address): history.events(one.change, plan.region)
        for plan, drift in found
        for one in drift
    }
    text = report(found, events, history.unavailable)
    write_report(output, full, text, report(found, events, history.unavailable, limit=None))
    return DRIFT if any(drift for _, drift in found) else NO_DRIFT
