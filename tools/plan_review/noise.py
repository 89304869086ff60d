"""Tells the known noise of plans from changes: it is counted, and folded in the report."""

from __future__ import annotations

from collections.abc import Iterator

from tools.plan_review import tables
from tools.plan_review.comparing import Difference, differences, same
from tools.plan_review.masking import Unknown
from tools.plan_review.reading import Action, Change

TAGS_ONLY = "tags only"
WRITING_ONLY = "the same in another order or other writing"
COMPUTED_ONLY = "computed anew, nothing set"
KINDS = (TAGS_ONLY, WRITING_ONLY, COMPUTED_ONLY)


def real(change: Change) -> list[Difference]:
    """What is different in a change, without noise."""
    return list(_real(change))


def _real(change: Change) -> Iterator[Difference]:
    for name in sorted(change.before.keys() | change.after.keys()):
        before, after = change.before.get(name), change.after.get(name)
        computed = isinstance(after, Unknown) and name not in change.set_in_code
        if name in tables.TAGS or name in tables.COMPUTED or computed:
            continue
        content = tables.PATHS.get(name, "")
        held = change.before.get(content)
        if held and same(held, change.after.get(content)):
            continue
        yield from differences(before, after, name)


def kind(change: Change) -> str | None:
    """The kind of noise that a change is nothing but; None if there is more to it."""
    if change.action is not Action.UPDATE or real(change):
        return None
    tagged = any(not same(change.before.get(name), change.after.get(name)) for name in tables.TAGS)
    if tagged:
        return TAGS_ONLY
    reordered = any(
        change.before.get(name) != change.after.get(name)
        and same(change.before.get(name), change.after.get(name))
        for name in change.before.keys() | change.after.keys()
    )
    return WRITING_ONLY if reordered else COMPUTED_ONLY
