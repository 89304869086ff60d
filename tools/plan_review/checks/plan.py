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


def unrestricted_account(plan: Plan) -> Iterator[Evidence]:
    """Yield the AWS providers that accept the credentials of any account."""
    if plan.any_account:
        providers = ", ".join(plan.any_account)
        yield Evidence(
            "any-account", f"provider {providers}: set allowed_account_ids (AWS_ACCOUNT_ID here)"
        )


def drifted(plan: Plan) -> Iterator[Evidence]:
    """Yield the resources that were changed outside Terraform."""
    for one in detect_drift(plan):
        yield Evidence("drift", change=one.change)
