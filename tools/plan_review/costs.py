"""Finds what will cost more or less: sizes, counts and storage, and what costs by being there."""

from __future__ import annotations

from collections.abc import Iterator

from tools.plan_review import tables
from tools.plan_review.comparing import arrow, same, shown
from tools.plan_review.findings import Finding
from tools.plan_review.masking import UNKNOWN, Json
from tools.plan_review.reading import Action, Change
from tools.plan_review.verdict import RULES


def findings(change: Change) -> Iterator[Finding]:
    """Yield what a change does to the bill, without figures: prices are AWS's own to tell."""
    word = tables.COSTLY.get(change.type)
    values = change.after or change.before
    if change.type == "aws_vpc_endpoint" and values.get("vpc_endpoint_type") != "Interface":
        word = None
    if change.action in (Action.CREATE, Action.DELETE):
        if word:
            created = change.action is Action.CREATE
            lines = tuple(_sizes(change.after if created else change.before))
            name = "cost-up" if created else "cost-down"
            sign = "one more" if created else "one less"
            yield Finding(RULES[name], change, note=f"{sign} {word}", lines=lines)
        return
    before, after = tables.flat(change.before), tables.flat(change.after)
    for path in sorted(before.keys() & after.keys()):
        old, new = before[path], after[path]
        if len(old) != 1 or len(new) != 1 or same(old[0], new[0]):
            continue
        # Of what the code leaves to AWS, a plan does not know what it will be.
        if new[0] in (None, UNKNOWN) and path.partition(".")[0] not in change.set_in_code:
            continue
        dearer = _dearer(path.rpartition(".")[2], old[0], new[0])
        if dearer is not None:
            line = arrow(path, old[0], new[0])
            yield Finding(RULES["cost-up" if dearer else "cost-down"], change, lines=(line,))


def _sizes(values: Json) -> Iterator[str]:
    for path, found in tables.flat(values).items():
        name = path.rpartition(".")[2]
        counted = name in tables.SIZES or (name in tables.QUANTITIES and found[0])
        if counted and isinstance(found[0], str | int | float):
            yield f"{path}: {shown(found[0])}"


def _dearer(name: str, old: Json, new: Json) -> bool | None:
    """Does a setting's change cost more? None where it is no matter of costs."""
    if name in tables.SIZES and isinstance(old, str) and isinstance(new, str):
        had, has = tables.size(old), tables.size(new)
        # Another family may cost either; whoever reviews has to look.
        return True if not had or not has or had[0] != has[0] else has[1] > had[1]
    if name in tables.QUANTITIES:
        before, after = tables.number(old), tables.number(new)
        if before is None or after is None:
            return None
        if name in tables.FEWER_COST_MORE:
            return before == 0 or (0 < after < before)
        return after > before
    if name in tables.SWITCHES:
        return new is True
    return True if name in tables.STORAGE else None
