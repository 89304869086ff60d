"""Writes the report: the verdict in the first line, then the sections.

If the report is longer than the limit, it shows less of each section and counts what it omits.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tools.plan_review.evaluation import Review
from tools.plan_review.findings import Level
from tools.plan_review.markdown import code, counted
from tools.plan_review.model import Action, Change, Plan
from tools.plan_review.sections import Detail, body

# GitHub rejects longer comments and issues. The limit is in characters; bytes are never fewer.
COMMENT_LIMIT = 65_536
# The workflow identifies its own comment by this line.
MARKER = "<!-- plan-review -->"

SIGNS = {Level.STOP: "🔴 **stop**", Level.LOOK: "🟡 **look**", Level.SAFE: "🟢 **safe**"}
_MAX_NAMES = 3
_REFERENCE = re.compile(r"\$\{(?:data\.)?aws_\w+\.(\w+?)_[0-9A-F]{8}\.(\w+)\}")

FULL = Detail(10**9, 10**9, settings=True)
DETAILS = (
    FULL,
    Detail(10**9, 60, settings=False),
    Detail(200, 25, settings=False),
    Detail(60, 12, settings=False),
    Detail(25, 6, settings=False),
    Detail(8, 3, settings=False),
    Detail(2, 1, settings=False),
)


def fit(write: Callable[[Detail], str], limit: int | None) -> str:
    """Return the most detailed text within a limit in bytes; the shortest one if none fits."""
    text = ""
    for detail in DETAILS:
        text = write(detail)
        if limit is None or len(text.encode(errors="replace")) <= limit:
            break
    return text


def redact(text: str, plans: Sequence[Plan]) -> str:
    """Return the text without the secrets of the plans, and with references shortened.

    A reference becomes `{Construct.attribute}`.
    """
    text = _REFERENCE.sub(r"{\1.\2}", text)
    for plan in plans:
        text = plan.redactor.text(text)
    return text


def report(review: Review, *, limit: int | None = COMMENT_LIMIT) -> str:
    """Return the review as Markdown, at most `limit` bytes long; None means no limit."""

    def write(detail: Detail) -> str:
        parts = [headline(review), *body(review, detail)]
        shortened = "" if detail == FULL else "Shortened to fit; omitted entries are counted."
        text = "\n\n".join(part for part in [*parts, shortened, MARKER] if part)
        return redact(text, review.plans) + "\n"

    text = fit(write, limit)
    if limit is not None and len(text.encode(errors="replace")) > limit:
        # Only reached with names of thousands of characters.
        numbers = ", ".join(_count_actions(review.changes)) or "no change"
        text = f"{SIGNS[review.level]}: {numbers}; too long to be shown here.\n\n{MARKER}\n"
    return text


def headline(review: Review) -> str:
    """Return the verdict and its reasons in one line; reasons to look at follow in another."""
    level = review.level
    if level is Level.SAFE:
        return f"{SIGNS[level]}: {_safe(review)}"
    first = f"{SIGNS[level]}: {_reasons(review, level)}"
    others = _reasons(review, Level.LOOK) if level is Level.STOP else ""
    return f"{first}\n\nAlso review: {others}" if others else first


def _reasons(review: Review, level: Level) -> str:
    reasons: dict[str, dict[str, None]] = {}
    for one in review.findings:
        if one.rule.level is level:
            reasons.setdefault(one.rule.title, {})[one.where] = None
    return "; ".join(f"{title} ({_names(list(where))})" for title, where in reasons.items())


def _names(where: list[str]) -> str:
    named = ", ".join(code(one) for one in where[:_MAX_NAMES])
    more = len(where) - _MAX_NAMES
    return f"{named} and {more:,} more" if more > 0 else named


def _safe(review: Review) -> str:
    plans = ", ".join(code(plan.name) for plan in review.plans)
    if not review.changes:
        outputs = sum(len(plan.outputs) for plan in review.plans)
        if outputs:
            return f"no resource changes in {plans}, only {counted(outputs, 'output')}"
        return f"nothing changes in {plans}"
    noise = {id(change) for _, change in review.noise}
    real = [one for one in review.changes if id(one) not in noise]
    if not real:
        return f"only known noise in {plans} ({counted(len(noise), 'resource')})"
    numbers = ", ".join(_count_actions(real))
    return (
        f"{numbers} in {plans}; nothing is destroyed, no access is widened, no protection is"
        " reduced and no cost is increased"
    )


def _count_actions(changes: Sequence[Change]) -> Iterator[str]:
    counts = Counter(change.action for change in changes)
    for action in Action:
        if counts[action]:
            yield f"{counts[action]:,} {action.value}"
