"""Writes the report: the verdict in the first line, then what matters, then what is only counted.

Where it would be longer than a comment may be, it says less of each thing, and how much less.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tools.plan_review import noise, tables
from tools.plan_review.comparing import arrow
from tools.plan_review.findings import Finding
from tools.plan_review.judging import Review
from tools.plan_review.markdown import block, code, counted, details, plain, table
from tools.plan_review.reading import Action, Change, Plan
from tools.plan_review.verdict import Level

# GitHub refuses comments and issues longer than this; counted in bytes, to be on the safe side.
COMMENT_LIMIT = 65_536
# By this line the workflow finds its own comment again.
MARKER = "<!-- plan-review -->"

SIGNS = {Level.STOP: "🔴 **stop**", Level.LOOK: "🟡 **look**", Level.SAFE: "🟢 **safe**"}
_NAMED = 3
_REFERENCE = re.compile(r"\$\{(?:data\.)?aws_\w+\.(\w+?)_[0-9A-F]{8}\.(\w+)\}")
_FATE = ("stateful-destroyed", "stateful-replaced", "replaced", "destroyed", "forgotten")
_ACCESS = (
    *("open-ingress", "public", "wildcard-allow", "suppressed", "access-widened", "access-changed"),
    *("access-unknown", "access-narrowed"),
)
_PROTECTION = ("key-disabled", "encryption-off", "protection-lowered", "secret-changed")
_COSTS = ("cost-up", "cost-down")


@dataclass(frozen=True)
class Detail:
    """How much is shown: entries of a section, lines of an entry, and settings of the rest."""

    entries: int
    lines: int
    settings: bool


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


def fitted(write: Callable[[Detail], str], limit: int | None) -> str:
    """The fullest text that keeps within a limit in bytes; the briefest if none does."""
    text = ""
    for detail in DETAILS:
        text = write(detail)
        if limit is None or len(text.encode()) <= limit:
            break
    return text


def finished(text: str, plans: Sequence[Plan]) -> str:
    """The text with references shortened to `{Construct.attribute}`, and with every sensitive text
    of the plans covered, should one have come so far."""
    text = _REFERENCE.sub(r"{\1.\2}", text)
    for plan in plans:
        text = plan.cover.text(text)
    return text


def report(review: Review, *, limit: int | None = COMMENT_LIMIT) -> str:
    """The review as Markdown, within ``limit`` bytes (None: everything)."""

    def write(detail: Detail) -> str:
        parts = [headline(review), *_body(review, detail)]
        shortened = "" if detail == FULL else "Shortened to fit; what is left out is counted."
        text = "\n\n".join(part for part in [*parts, shortened, MARKER] if part)
        return finished(text, review.plans) + "\n"

    text = fitted(write, limit)
    if limit is not None and len(text.encode()) > limit:
        # Only names of thousands of characters come here.
        numbers = ", ".join(_numbers(review.changes))
        text = f"{SIGNS[review.level]}: {numbers}; too much to be shown here.\n\n{MARKER}\n"
    return text


# ---- the first lines ----------------------------------------------------------------------------


def headline(review: Review) -> str:
    """The verdict in one line, with its reasons; milder reasons on a line of their own."""
    level = review.level
    if level is Level.SAFE:
        return f"{SIGNS[level]}: {_safe(review)}"
    first = f"{SIGNS[level]}: {_reasons(review, level)}"
    milder = _reasons(review, Level.LOOK) if level is Level.STOP else ""
    return f"{first}\n\nAlso to look at: {milder}" if milder else first


def _reasons(review: Review, level: Level) -> str:
    reasons: dict[str, dict[str, None]] = {}
    for one in review.findings:
        if one.rule.level is level:
            reasons.setdefault(one.rule.says, {})[one.where] = None
    return "; ".join(f"{says} ({_names(list(where))})" for says, where in reasons.items())


def _names(where: list[str]) -> str:
    named = ", ".join(code(one) for one in where[:_NAMED])
    more = len(where) - _NAMED
    return f"{named} and {more:,} more" if more > 0 else named


def _safe(review: Review) -> str:
    stacks = ", ".join(code(plan.stack) for plan in review.plans)
    counted_noise = counted(len(review.folded), "resource")
    if not review.changes:
        outputs = sum(len(plan.outputs) for plan in review.plans)
        if outputs:
            return f"nothing changes in {stacks} but {counted(outputs, 'output')}"
        return f"nothing changes in {stacks}"
    real = [one for one in review.changes if all(one is not folded for _, folded in review.folded)]
    if not real:
        return f"nothing changes in {stacks} but known noise ({counted_noise})"
    numbers = ", ".join(_numbers(real))
    return f"{numbers} in {stacks}; nothing is destroyed, opened, weakened or made dearer"


def _numbers(changes: Sequence[Change]) -> Iterator[str]:
    counts = Counter(change.action for change in changes)
    for action in Action:
        if counts[action]:
            yield f"{counts[action]:,} {action.value}"


# ---- the sections -------------------------------------------------------------------------------


def _body(review: Review, detail: Detail) -> Iterator[str]:
    if not review.changes and not review.findings:
        return
    yield _counts(review)
    yield from _destroyed(review, detail)
    yield from _section("Access", _of(review, _ACCESS), detail)
    yield from _section("Protection and secrets", _of(review, _PROTECTION), detail)
    yield from _costs(_of(review, _COSTS), detail)
    yield from _outside(review, detail)
    yield from _rest(review, detail)
    yield from _noise(review, detail)
    names = [name for plan in review.plans for name in plan.outputs]
    if names:
        listed = ", ".join(code(name) for name in names[: detail.entries])
        listed += _more(len(names) - detail.entries)
        yield details(f"Outputs: {len(names):,} change", listed)


def _of(review: Review, rules: Sequence[str]) -> list[Finding]:
    return [one for one in review.findings if one.rule.name in rules]


def _counts(review: Review) -> str:
    actions = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
    rows = []
    for plan in review.plans:
        counts = Counter(one.action for one in review.changes if one.stack == plan.stack)
        quiet = sum(1 for _, one in review.folded if one.stack == plan.stack)
        rows.append([code(plan.stack), *(f"{counts[one]:,}" for one in actions), f"{quiet:,}"])
    head = ["stack", *(action.value for action in actions), "of these, noise"]
    return table(head, rows)


def _more(number: int) -> str:
    return f" and {number:,} more" if number > 0 else ""


def _left_out(findings: Sequence[Finding]) -> str:
    counts = Counter(one.rule.says for one in findings)
    listed = ", ".join(f"{says} ({number:,})" for says, number in counts.items())
    return f"… and {len(findings):,} more: {listed}"


def _title(one: Finding) -> str:
    kind = f" {code(one.change.type)}" if one.change else ""
    note = f" – {plain(one.note)}" if one.note else ""
    return f"**{one.rule.says}**: {code(one.where)}{kind}{note}"


def _destroyed(review: Review, detail: Detail) -> Iterator[str]:
    found = _of(review, _FATE)
    if not found:
        return
    yield "### Destroyed or replaced"
    with_data = [one for one in found if one.rule.name.startswith("stateful")]
    others = [one for one in found if not one.rule.name.startswith("stateful")]
    for head, listed in (("Holds data", with_data), ("Other", others)):
        if listed:
            rows = [
                _fate_row(one, one.change, detail)
                for one in listed[: detail.entries]
                if one.change is not None
            ]
            parts = [table([head, "", "what", "because"], rows)]
            if listed[detail.entries :]:
                parts.append(_left_out(listed[detail.entries :]))
            yield "\n\n".join(parts)


def _fate_row(one: Finding, change: Change, detail: Detail) -> list[str]:
    word = tables.STATEFUL.get(change.type)
    kind = f"{word} {code(change.type)}" if word else code(change.type)
    why = [f"forced by {code(line)}" for line in one.lines[: detail.lines]]
    if one.note:
        why.append(plain(one.note))
    left = len(one.lines) - detail.lines
    if left > 0:
        why.append(f"{left:,} more")
    return [code(one.where), kind, f"**{change.action.value}**", "; ".join(why) or "–"]


def _shown_lines(one: Finding, detail: Detail) -> str:
    lines = list(one.lines[: detail.lines])
    left = len(one.lines) - len(lines)
    if left > 0:
        lines.append(f"  … {left:,} more lines")
    language = "diff" if one.diff else "text"
    return block(lines, language) if lines else ""


def _entry(one: Finding, detail: Detail) -> str:
    return "\n".join(part for part in (_title(one), _shown_lines(one, detail)) if part)


def _section(title: str, found: list[Finding], detail: Detail) -> Iterator[str]:
    if not found:
        return
    yield f"### {title}"
    # What is new along with its resource is long and rarely the point; unless it is grave.
    grave = [one for one in found if not _is_new(one) or one.rule.level is Level.STOP]
    new = [one for one in found if one not in grave]
    yield from (_entry(one, detail) for one in grave[: detail.entries])
    if grave[detail.entries :]:
        yield _left_out(grave[detail.entries :])
    if new:
        entries = [_entry(one, detail) for one in new[: detail.entries]]
        if new[detail.entries :]:
            entries.append(_left_out(new[detail.entries :]))
        yield details(f"In resources that are new: {len(new):,}", "\n\n".join(entries))


def _is_new(one: Finding) -> bool:
    return one.change is not None and one.change.action is Action.CREATE


def _costs(found: list[Finding], detail: Detail) -> Iterator[str]:
    if not found:
        return
    yield "### Costs"
    rows = []
    for one in found[: detail.entries]:
        what = "; ".join(code(line) for line in one.lines[: detail.lines])
        what += _more(len(one.lines) - detail.lines)
        note = f"{plain(one.note)} " if one.note else ""
        kind = one.change.type if one.change else ""
        more = "more" if one.rule.name == "cost-up" else "less"
        rows.append([code(one.where), code(kind), f"{note}{what}".strip(), more])
    yield table(["what", "", "change", "costs"], rows)
    if found[detail.entries :]:
        yield _left_out(found[detail.entries :])


def _outside(review: Review, detail: Detail) -> Iterator[str]:
    found = _of(review, ("changed-outside", "incomplete"))
    if found:
        yield "### Beside the plan"
        yield "\n".join(f"- {_title(one)}" for one in found[: detail.entries])
        if found[detail.entries :]:
            yield _left_out(found[detail.entries :])


def _rest(review: Review, detail: Detail) -> Iterator[str]:
    if not review.rest:
        return
    yield "### Everything else"
    actions = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)
    counts: dict[str, Counter[Action]] = {}
    for change in review.rest:
        counts.setdefault(change.construct, Counter())[change.action] += 1
    rows = [
        [code(name), *(f"{found[action]:,}" if found[action] else "" for action in actions)]
        for name, found in sorted(counts.items())
    ]
    left = rows[detail.entries :]
    rows = rows[: detail.entries]
    yield table(["construct", *(action.value for action in actions)], rows)
    if left:
        yield f"… and {counted(len(left), 'construct')} more"
    if detail.settings:
        lines = [line for change in review.rest for line in _rest_lines(change)]
        yield details(f"Each of them: {len(review.rest):,}", "\n".join(lines))


def _rest_lines(change: Change) -> Iterator[str]:
    yield f"- {change.action.value} {code(change.path)} {code(change.type)}"
    if change.action is Action.UPDATE:
        for one in noise.real(change):
            yield f"  - {code(arrow(one.path, one.before, one.after))}"


def _noise(review: Review, detail: Detail) -> Iterator[str]:
    if not review.folded:
        return
    counts = Counter(kind for kind, _ in review.folded)
    summed = ", ".join(f"{kind} ({counts[kind]:,})" for kind in noise.KINDS if counts[kind])
    lines = [
        f"- {kind}: {code(change.path)} {code(change.type)}"
        for kind, change in review.folded[: detail.entries]
    ]
    left = len(review.folded) - detail.entries
    if left > 0:
        lines.append(f"- … and {left:,} more")
    yield details(f"Known noise: {summed}", "\n".join(lines))
