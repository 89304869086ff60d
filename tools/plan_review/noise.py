"""Separates the known noise of plans from changes; reports count noise in a collapsed section."""

from __future__ import annotations

from collections.abc import Iterator

from tools.plan_review.comparison import Difference, differences, equivalent
from tools.plan_review.model import Action, Change
from tools.plan_review.values import Unknown

TAGS_ONLY = "tags only"
FORMAT_ONLY = "order or formatting only"
COMPUTED_ONLY = "computed attributes only"
KINDS = (TAGS_ONLY, FORMAT_ONLY, COMPUTED_ONLY)

TAGS = ("tags", "tags_all")
# Attributes that AWS or the provider computes; no configuration sets them.
COMPUTED = (
    *("last_modified", "last_updated_date", "last_updated_time", "latest_version"),
    *("latest_version_number", "qualified_arn", "qualified_invoke_arn", "source_code_size"),
    *("etag", "version_id", "revision_id", "code_sha256", "output_base64sha256", "update_time"),
    *("default_version", "cluster_members", "attachment_count", "latest_restorable_time"),
    *("load_balancer_arns", "not_after", "not_before", "renewal_eligibility", "renewal_summary"),
)
# File paths, which do not matter while the hash of the content is unchanged.
CONTENT_HASHES = {"filename": "source_code_hash", "source": "source_hash"}


def significant_differences(change: Change) -> list[Difference]:
    """Return the differences of a change that are not noise."""
    return list(_significant_differences(change))


def _significant_differences(change: Change) -> Iterator[Difference]:
    for name in sorted(change.before.keys() | change.after.keys()):
        before, after = change.before.get(name), change.after.get(name)
        computed = isinstance(after, Unknown) and name not in change.configured
        if name in TAGS or name in COMPUTED or computed:
            continue
        content = CONTENT_HASHES.get(name, "")
        old_hash = change.before.get(content)
        if old_hash and equivalent(old_hash, change.after.get(content)):
            continue
        yield from differences(before, after, name)


def noise_kind(change: Change) -> str | None:
    """Return the kind of noise that a change consists of; None if it is more than noise."""
    if change.action is not Action.UPDATE or significant_differences(change):
        return None
    if any(not equivalent(change.before.get(name), change.after.get(name)) for name in TAGS):
        return TAGS_ONLY
    reformatted = any(
        change.before.get(name) != change.after.get(name)
        and equivalent(change.before.get(name), change.after.get(name))
        for name in change.before.keys() | change.after.keys()
    )
    return FORMAT_ONLY if reformatted else COMPUTED_ONLY
