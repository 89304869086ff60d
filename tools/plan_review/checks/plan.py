"""Checks of a whole plan."""

from __future__ import annotations

from collections.abc import Iterator

from lib import end_of_support
from tools.plan_review.drift import detect_drift
from tools.plan_review.findings import Evidence
from tools.plan_review.model import Action, Plan


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


def ends_of_support(plan: Plan) -> Iterator[Evidence]:
    """Yield the resources, unchanged ones included, whose version is near or past its end."""
    today = end_of_support.today()
    for change in plan.changes:
        _, row = end_of_support.of_resource(change.type, change.after)
        if row is None or change.action in (Action.DELETE, Action.FORGET):
            continue
        if row.has_ended(today):
            yield Evidence("support-ended", f"{row.describe(today)}. {row.remedy}.", change=change)
        elif row.needs_warning(today):
            yield Evidence("support-ends", f"{row.describe(today)}. {row.remedy}.", change=change)


def drifted(plan: Plan) -> Iterator[Evidence]:
    """Yield the resources that were changed outside Terraform."""
    for one in detect_drift(plan):
        yield Evidence("drift", change=one.change)
