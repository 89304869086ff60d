"""Checks of a whole plan."""

from __future__ import annotations

from collections.abc import Iterator

from tools.plan_review.drift import detect_drift
from tools.plan_review.findings import Evidence
from tools.plan_review.model import Plan


def incomplete(plan: Plan) -> Iterator[Evidence]:
    """Yield that Terraform deferred some of the changes."""
    if not plan.complete:
        yield Evidence("incomplete")


def drifted(plan: Plan) -> Iterator[Evidence]:
    """Yield the resources that were changed outside Terraform."""
    for one in detect_drift(plan):
        yield Evidence("drift", change=one.change)
