"""Checks for secrets that get a new value."""

from __future__ import annotations

from collections.abc import Iterator

from tools.plan_review.comparison import contains_secret, format_difference
from tools.plan_review.findings import Evidence
from tools.plan_review.model import Action, Change
from tools.plan_review.noise import significant_differences


def changed_secrets(change: Change) -> Iterator[Evidence]:
    """Yield the sensitive attributes that change, and the versions of write-only ones."""
    if change.action is not Action.UPDATE:
        return
    lines = tuple(
        format_difference(one.path, one.before, one.after)
        for one in significant_differences(change)
        if contains_secret(one.before)
        or contains_secret(one.after)
        or one.path.endswith("_wo_version")
    )
    if lines:
        yield Evidence("secret-changed", lines=lines)
