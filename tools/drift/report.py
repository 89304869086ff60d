"""Writes what is not as Terraform left it, in the form of the plan review's report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tools.drift.trail import Deed
from tools.plan_review import access, network
from tools.plan_review.comparing import arrow, differences, is_policy, opened
from tools.plan_review.markdown import block, code, counted
from tools.plan_review.masking import Json
from tools.plan_review.outside import Drift
from tools.plan_review.reading import Action, Plan
from tools.plan_review.report import COMMENT_LIMIT, Detail, finished, fitted

MARKER = "<!-- drift -->"
_NAMED = 3

Found = Sequence[tuple[Plan, Sequence[Drift]]]
Deeds = Mapping[tuple[str, str], Sequence[Deed]]


def report(found: Found, deeds: Deeds, silence: str, *, limit: int | None = COMMENT_LIMIT) -> str:
    """The drift as Markdown, within ``limit`` bytes (None: everything).

    ``deeds`` has what CloudTrail recorded, by stack and address; ``silence`` says why nothing.
    """
    plans = [plan for plan, _ in found]
    drift = [(plan, one) for plan, listed in found for one in listed]

    def write(detail: Detail) -> str:
        parts = [headline(found)]
        for plan, one in drift[: detail.entries]:
            known = deeds.get((plan.stack, one.change.address), ())
            parts.append(_entry(one, known, silence, detail))
        if drift[detail.entries :]:
            parts.append(f"… and {counted(len(drift) - detail.entries, 'resource')} more")
        if drift:
            parts += [silence, _WHAT_TO_DO]
        text = "\n\n".join(part for part in [*parts, MARKER] if part)
        return finished(text, plans) + "\n"

    return fitted(write, limit)


_WHAT_TO_DO = (
    "The next deployment puts back what the code sets. What is to stay has to be written into the"
    " code; what the code leaves open is taken over as it is."
)


def headline(found: Found) -> str:
    """One line: is there drift, and where?"""
    stacks = ", ".join(code(plan.stack) for plan, _ in found)
    places = list(dict.fromkeys(one.change.path for _, drift in found for one in drift))
    if not places:
        return f"🟢 **no drift**: nothing of {stacks} was changed outside Terraform"
    number = sum(len(drift) for _, drift in found)
    named = ", ".join(code(path) for path in places[:_NAMED])
    if len(places) > _NAMED:
        named += f" and {len(places) - _NAMED:,} more"
    verb = "is not as Terraform left it" if number == 1 else "are not as Terraform left them"
    return f"🟡 **drift**: {counted(number, 'resource')} {verb} ({named})"


def _entry(one: Drift, deeds: Sequence[Deed], silence: str, detail: Detail) -> str:
    lines = list(_lines(one))
    left = len(lines) - detail.lines
    shown = lines[: detail.lines] + ([f"  … {left:,} more lines"] if left > 0 else [])
    parts = [f"### {code(one.change.path)} {code(one.change.type)}"]
    parts.append("**it was destroyed**" if one.change.action is Action.DELETE else block(shown))
    parts += [f"- {code(deed.call)} by {code(deed.who)} at {deed.when}" for deed in deeds]
    if not deeds and not silence:
        parts.append("CloudTrail has no event about it in the last 90 days.")
    return "\n\n".join(parts[:2]) + ("\n\n" + "\n".join(parts[2:]) if parts[2:] else "")


def _lines(one: Drift) -> Iterator[str]:
    """What differs: rules and statements as such, settings as `attribute: before → after`."""
    change = one.shown
    for finding in access.findings(change):
        if finding.note:
            yield f"  {finding.note}:"
        yield from finding.lines
    rules = bool(
        network.rules(change.type, change.after) | network.rules(change.type, change.before)
    )
    for name in sorted(change.before.keys() | change.after.keys()):
        before, after = change.before.get(name), change.after.get(name)
        if _policies(before) or _policies(after) or (rules and name in ("ingress", "egress")):
            continue
        for difference in differences(before, after, name):
            yield f"  {arrow(difference.path, difference.before, difference.after)}"


def _policies(value: Json) -> bool:
    document = opened(value)
    listed = document if isinstance(document, list) else [document]
    return any(
        is_policy(one) or (isinstance(one, dict) and any(map(is_policy, one.values())))
        for one in listed
    )
