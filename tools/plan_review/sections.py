"""Writes the body of the report: one section for each `Section`, then the remaining changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tools.plan_review.checks.lifecycle import STATEFUL
from tools.plan_review.comparison import format_difference
from tools.plan_review.evaluation import Review
from tools.plan_review.findings import Finding, Level, Section
from tools.plan_review.markdown import block, code, counted, details, plain, table
from tools.plan_review.model import Action, Change
from tools.plan_review.noise import KINDS, significant_differences

_ACTIONS = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)


@dataclass(frozen=True)
class Detail:
    """The detail of a report: entries of a section, lines of an entry, settings of the rest."""

    entries: int
    lines: int
    settings: bool


def body(review: Review, detail: Detail) -> Iterator[str]:
    """Yield the parts of the body; every finding is in the section of its rule."""
    if not review.changes and not review.findings:
        return
    yield _action_counts(review)
    for section in Section:
        found = [one for one in review.findings if one.rule.section is section]
        if found:
            yield f"### {section.value}"
            yield from _WRITERS.get(section, _entries)(found, detail)
    yield from _other_changes(review, detail)
    yield from _noise(review, detail)
    names = [name for plan in review.plans for name in plan.outputs]
    if names:
        listed = ", ".join(code(name) for name in names[: detail.entries])
        listed += _more(len(names) - detail.entries)
        yield details(f"Changed outputs: {len(names):,}", listed)


def _action_counts(review: Review) -> str:
    rows = []
    for plan in review.plans:
        counts = Counter(one.action for one in review.changes if one.plan == plan.name)
        noise = sum(1 for _, one in review.noise if one.plan == plan.name)
        rows.append([code(plan.name), *(f"{counts[one]:,}" for one in _ACTIONS), f"{noise:,}"])
    head = ["plan", *(action.value for action in _ACTIONS), "of these, noise"]
    return table(head, rows)


def _more(number: int) -> str:
    return f" and {number:,} more" if number > 0 else ""


def _omitted(findings: Sequence[Finding]) -> str:
    counts = Counter(one.rule.title for one in findings)
    listed = ", ".join(f"{title} ({number:,})" for title, number in counts.items())
    return f"… and {len(findings):,} more: {listed}"


# ---- one writer for each form of section --------------------------------------------------------


def _lifecycle(found: list[Finding], detail: Detail) -> Iterator[str]:
    stateful = [one for one in found if _is_stateful(one)]
    others = [one for one in found if not _is_stateful(one)]
    for head, listed in (("Stateful resource", stateful), ("Other resource", others)):
        if listed:
            rows = [_lifecycle_row(one, detail) for one in listed[: detail.entries]]
            parts = [table([head, "type", "finding", "reason"], rows)]
            if listed[detail.entries :]:
                parts.append(_omitted(listed[detail.entries :]))
            yield "\n\n".join(parts)


def _is_stateful(one: Finding) -> bool:
    return one.change is not None and one.change.type in STATEFUL


def _lifecycle_row(one: Finding, detail: Detail) -> list[str]:
    type_ = one.change.type if one.change else ""
    word = STATEFUL.get(type_)
    reasons = [f"forced by {code(line)}" for line in one.lines[: detail.lines]]
    if one.note:
        reasons.append(plain(one.note))
    omitted = len(one.lines) - detail.lines
    if omitted > 0:
        reasons.append(f"{omitted:,} more")
    kind = f"{word} {code(type_)}" if word else code(type_) if type_ else "–"
    return [code(one.where), kind, f"**{one.rule.title}**", "; ".join(reasons) or "–"]


def _cost(found: list[Finding], detail: Detail) -> Iterator[str]:
    rows = []
    for one in found[: detail.entries]:
        what = "; ".join(code(line) for line in one.lines[: detail.lines])
        what += _more(len(one.lines) - detail.lines)
        note = f"{plain(one.note)} " if one.note else ""
        type_ = code(one.change.type) if one.change else "–"
        rows.append([code(one.where), type_, f"{note}{what}".strip(), one.rule.title])
    yield table(["resource", "type", "change", "finding"], rows)
    if found[detail.entries :]:
        yield _omitted(found[detail.entries :])


def _list(found: list[Finding], detail: Detail) -> Iterator[str]:
    yield "\n".join(f"- {_title(one)}" for one in found[: detail.entries])
    if found[detail.entries :]:
        yield _omitted(found[detail.entries :])


def _entries(found: list[Finding], detail: Detail) -> Iterator[str]:
    """Write an entry for each finding; those in new resources below level stop are collapsed."""
    new = [one for one in found if _is_collapsed(one)]
    others = [one for one in found if not _is_collapsed(one)]
    yield from (_entry(one, detail) for one in others[: detail.entries])
    if others[detail.entries :]:
        yield _omitted(others[detail.entries :])
    if new:
        entries = [_entry(one, detail) for one in new[: detail.entries]]
        if new[detail.entries :]:
            entries.append(_omitted(new[detail.entries :]))
        yield details(f"In new resources: {len(new):,}", "\n\n".join(entries))


def _is_collapsed(one: Finding) -> bool:
    created = one.change is not None and one.change.action is Action.CREATE
    return created and one.rule.level is not Level.STOP


def _entry(one: Finding, detail: Detail) -> str:
    lines = list(one.lines[: detail.lines])
    omitted = len(one.lines) - len(lines)
    if omitted > 0:
        lines.append(f"  … {omitted:,} more lines")
    shown = block(lines, "diff" if one.diff else "text") if lines else ""
    return "\n".join(part for part in (_title(one), shown) if part)


def _title(one: Finding) -> str:
    type_ = f" {code(one.change.type)}" if one.change else ""
    note = f" – {plain(one.note)}" if one.note else ""
    return f"**{one.rule.title}**: {code(one.where)}{type_}{note}"


# A section without a writer here lists its findings with `_entries`.
_WRITERS: dict[Section, Callable[[list[Finding], Detail], Iterator[str]]] = {
    Section.LIFECYCLE: _lifecycle,
    Section.COST: _cost,
    Section.PLAN: _list,
}


# ---- what is only counted -----------------------------------------------------------------------


def _other_changes(review: Review, detail: Detail) -> Iterator[str]:
    others = review.other_changes
    if not others:
        return
    yield "### Other changes"
    counts: dict[str, Counter[Action]] = {}
    for change in others:
        counts.setdefault(change.group, Counter())[change.action] += 1
    rows = [
        [code(name), *(f"{found[action]:,}" if found[action] else "" for action in _ACTIONS)]
        for name, found in sorted(counts.items())
    ]
    omitted = rows[detail.entries :]
    head = ["construct or module", *(action.value for action in _ACTIONS)]
    yield table(head, rows[: detail.entries])
    if omitted:
        yield f"… and {counted(len(omitted), 'row')} more"
    if detail.settings:
        lines = [line for change in others for line in _change_lines(change)]
        yield details(f"Details of other changes: {len(others):,}", "\n".join(lines))


def _change_lines(change: Change) -> Iterator[str]:
    yield f"- {change.action.value} {code(change.path)} {code(change.type)}"
    if change.action is Action.UPDATE:
        for one in significant_differences(change):
            yield f"  - {code(format_difference(one.path, one.before, one.after))}"


def _noise(review: Review, detail: Detail) -> Iterator[str]:
    if not review.noise:
        return
    counts = Counter(kind for kind, _ in review.noise)
    summed = ", ".join(f"{kind} ({counts[kind]:,})" for kind in KINDS if counts[kind])
    lines = [
        f"- {kind}: {code(change.path)} {code(change.type)}"
        for kind, change in review.noise[: detail.entries]
    ]
    omitted = len(review.noise) - detail.entries
    if omitted > 0:
        lines.append(f"- … and {omitted:,} more")
    yield details(f"Known noise: {summed}", "\n".join(lines))
