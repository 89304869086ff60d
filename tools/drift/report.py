"""Writes the drift report, in the format of the plan review."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lib.iam_policy import is_policy
from tools.drift.events import Event
from tools.plan_review import network
from tools.plan_review.checks.access import changed_access
from tools.plan_review.comparison import differences, format_difference, parse_json
from tools.plan_review.drift import Drift
from tools.plan_review.markdown import block, code, counted
from tools.plan_review.model import Action, Plan
from tools.plan_review.report import COMMENT_LIMIT, fit, redact
from tools.plan_review.sections import Detail
from tools.plan_review.values import Json

MARKER = "<!-- drift -->"
_MAX_NAMES = 3

Found = Sequence[tuple[Plan, Sequence[Drift]]]
Events = Mapping[tuple[str, str], Sequence[Event]]

_REMEDY = (
    "The next deployment restores the values that the code sets. To keep a change, add it to the"
    " code. Values that the code does not set are adopted into the state."
)


def report(
    found: Found, events: Events, unavailable: str, *, limit: int | None = COMMENT_LIMIT
) -> str:
    """Return the drift as Markdown, at most `limit` bytes long; None means no limit.

    `events` has the CloudTrail events by plan and address; `unavailable` states why there are none.
    """
    plans = [plan for plan, _ in found]
    drift = [(plan, one) for plan, listed in found for one in listed]

    def write(detail: Detail) -> str:
        parts = [headline(found)]
        for plan, one in drift[: detail.entries]:
            recorded = events.get((plan.name, one.change.address), ())
            parts.append(_entry(one, recorded, unavailable, detail))
        if drift[detail.entries :]:
            parts.append(f"… and {counted(len(drift) - detail.entries, 'resource')} more")
        if drift:
            parts += [unavailable, _REMEDY]
        text = "\n\n".join(part for part in [*parts, MARKER] if part)
        return redact(text, plans) + "\n"

    return fit(write, limit)


def headline(found: Found) -> str:
    """Return one line with the number of resources with drift and their paths."""
    stacks = ", ".join(code(plan.name) for plan, _ in found)
    places = list(dict.fromkeys(one.change.path for _, drift in found for one in drift))
    if not places:
        return f"🟢 **no drift**: no resource of {stacks} was changed outside Terraform"
    number = sum(len(drift) for _, drift in found)
    named = ", ".join(code(path) for path in places[:_MAX_NAMES])
    if len(places) > _MAX_NAMES:
        named += f" and {len(places) - _MAX_NAMES:,} more"
    verb = "was" if number == 1 else "were"
    return f"🟡 **drift**: {counted(number, 'resource')} {verb} changed outside Terraform ({named})"


def _entry(one: Drift, events: Sequence[Event], unavailable: str, detail: Detail) -> str:
    lines = list(_lines(one))
    omitted = len(lines) - detail.lines
    shown = lines[: detail.lines] + ([f"  … {omitted:,} more lines"] if omitted > 0 else [])
    destroyed = one.change.action is Action.DELETE
    parts = [
        f"### {code(one.change.path)} {code(one.change.type)}",
        "**the resource was destroyed**" if destroyed else block(shown),
    ]
    if events:
        parts.append(
            "\n".join(
                f"- {code(event.name)} by {code(event.principal)} at {event.time}"
                for event in events
            )
        )
    elif not unavailable:
        parts.append("CloudTrail has no event for this resource in the last 90 days.")
    return "\n\n".join(parts)


def _lines(one: Drift) -> Iterator[str]:
    """Yield the differences: network rules and statements, then `attribute: before → after`."""
    change = one.difference
    for evidence in changed_access(change):
        if evidence.note:
            yield f"  {evidence.note}:"
        yield from evidence.lines
    has_rules = bool(
        network.rules(change.type, change.after) | network.rules(change.type, change.before)
    )
    for name in sorted(change.before.keys() | change.after.keys()):
        before, after = change.before.get(name), change.after.get(name)
        is_rules = has_rules and name in ("ingress", "egress")
        if _contains_policy(before) or _contains_policy(after) or is_rules:
            continue
        for difference in differences(before, after, name):
            yield f"  {format_difference(difference.path, difference.before, difference.after)}"


def _contains_policy(value: Json) -> bool:
    document = parse_json(value)
    listed = document if isinstance(document, list) else [document]
    return any(
        is_policy(one) or (isinstance(one, dict) and any(map(is_policy, one.values())))
        for one in listed
    )
