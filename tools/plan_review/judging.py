"""Holds a plan's changes against the rules, each kind of finding by a function of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tools.plan_review import access, costs, noise, outside, tables
from tools.plan_review.comparing import arrow, holds_secret, shown
from tools.plan_review.findings import Finding
from tools.plan_review.reading import Action, Change, Plan
from tools.plan_review.verdict import RULES, Level


@dataclass
class Review:
    """What came of the plans: findings, the noise that was folded, and what is left to count."""

    plans: tuple[Plan, ...]
    findings: list[Finding] = field(default_factory=list)
    folded: list[tuple[str, Change]] = field(default_factory=list)

    @property
    def level(self) -> Level:
        """The verdict: that of the worst finding."""
        return max((one.rule.level for one in self.findings), default=Level.SAFE)

    @property
    def changes(self) -> list[Change]:
        """Everything that happens, noise included."""
        quiet = (Action.NONE, Action.READ)
        return [one for plan in self.plans for one in plan.changes if one.action not in quiet]

    @property
    def rest(self) -> list[Change]:
        """What no finding shows and is no noise."""
        named = {id(one.change) for one in self.findings} | {id(one) for _, one in self.folded}
        return [one for one in self.changes if id(one) not in named]


def review(plans: Sequence[Plan]) -> Review:
    """Judge the plans of all stacks together."""
    made = Review(tuple(plans))
    for plan in plans:
        if not plan.whole:
            made.findings.append(Finding(RULES["incomplete"], None, stack=plan.stack))
        moved = [one.change for one in outside.drift(plan)]
        made.findings += [Finding(RULES["changed-outside"], one) for one in moved]
    gone = _gone(made.changes)
    for change in made.changes:
        kind = noise.kind(change)
        if kind:
            made.folded.append((kind, change))
        elif change.action is Action.DELETE and gone & _texts(change):
            # A policy or block that goes with its bucket opens nothing.
            made.findings += fate(change)
        else:
            made.findings += findings(change)
    order = {rule: number for number, rule in enumerate(RULES)}
    made.findings.sort(key=lambda one: (order[one.rule.name], one.where))
    return made


def _gone(changes: Sequence[Change]) -> set[str]:
    """The identities of what holds data and is destroyed."""
    gone = (one for one in changes if one.action is Action.DELETE and one.type in tables.STATEFUL)
    return {str(one.before[name]) for one in gone for name in ("id", "arn") if one.before.get(name)}


def _texts(change: Change) -> set[str]:
    own = ("id", "arn", "name") if change.type in tables.STATEFUL else ()
    return {v for k, v in change.before.items() if isinstance(v, str) and v and k not in own}


def findings(change: Change) -> Iterator[Finding]:
    """Yield all that is to be said of one change."""
    for found in (fate(change), access.findings(change), settings(change), costs.findings(change)):
        for one in found:
            yield suppressed(one)


def fate(change: Change) -> Iterator[Finding]:
    """Say what is destroyed or replaced, and why."""
    if change.action is Action.FORGET:
        yield Finding(RULES["forgotten"], change, note=change.reason)
        return
    if change.action not in (Action.DELETE, Action.REPLACE):
        return
    replaced = change.action is Action.REPLACE
    if replaced and change.type in tables.RENEWED:
        rule = RULES["replaced" if change.type == "aws_s3_object" else "secret-changed"]
        yield Finding(rule, change, change.reason, tuple(forced(change)))
        return
    name = "replaced" if replaced else "destroyed"
    if change.type in tables.STATEFUL:
        name = f"stateful-{name}"
    yield Finding(RULES[name], change, note=change.reason, lines=tuple(forced(change)))


def forced(change: Change) -> Iterator[str]:
    """Yield the attributes that force a replacement, each as `path: before → after`."""
    for path in change.forced_by:
        name = path.partition(".")[0].partition("[")[0]
        yield arrow(path, change.before.get(name), change.after.get(name))


def settings(change: Change) -> Iterator[Finding]:
    """Say which settings open, uncover or weaken, and whose secret changes."""
    if change.action is Action.DELETE:
        if change.type in tables.GUARDS:
            yield Finding(RULES[tables.GUARDS[change.type]], change, note="it is taken away")
        return
    before, after = tables.flat(change.before), tables.flat(change.after)
    for setting in tables.SETTINGS:
        if not setting.applies(change.type):
            continue
        for path, values in after.items():
            if path.rpartition(".")[2] != setting.attribute:
                continue
            created = change.action is Action.CREATE
            if created and not setting.at_creation:
                continue
            had = [] if created else before.get(path, [])
            if any(map(setting.bad, values)) and not any(map(setting.bad, had)):
                rule = _lesser(setting.rule, setting.attribute, change)
                lines = (_arrow(path, had, values, created=created),)
                yield Finding(RULES[rule], change, lines=lines)
    yield from _lowered(change)
    yield from _new_secret(change)


def _lesser(rule: str, attribute: str, change: Change) -> str:
    """Without its own key, but encrypted all the same."""
    key = attribute.startswith("kms_")
    still = any(change.after.get(name) is True for name in tables.STILL_ENCRYPTED)
    return "protection-lowered" if rule == "encryption-off" and key and still else rule


def _lowered(change: Change) -> Iterator[Finding]:
    before, after = tables.flat(change.before), tables.flat(change.after)
    for path, values in after.items():
        if path.rpartition(".")[2] not in tables.LOWERED:
            continue
        old, new = tables.number(before.get(path, [None])[0]), tables.number(values[0])
        if old is not None and new is not None and new < old:
            lines = (_arrow(path, before[path], values),)
            yield Finding(RULES["protection-lowered"], change, lines=lines)


def _new_secret(change: Change) -> Iterator[Finding]:
    if change.action is not Action.UPDATE:
        return
    lines = []
    for one in noise.real(change):
        secret = holds_secret(one.before) or holds_secret(one.after)
        if secret or one.path.endswith("_wo_version"):
            lines.append(arrow(one.path, one.before, one.after))
    if lines:
        yield Finding(RULES["secret-changed"], change, lines=tuple(lines))


def _arrow(path: str, before: list[object], after: list[object], *, created: bool = False) -> str:
    old, new = (", ".join(map(shown, values)) or "none" for values in (before, after))
    return f"{path}: {new}" if created else f"{path}: {old} → {new}"


def suppressed(finding: Finding) -> Finding:
    """The finding, made a look where the code beside the resource gives the reason."""
    names = tables.WAIVERS.get(finding.rule.name, ())
    suppressions = finding.change.suppressions if finding.change else {}
    reason = next((suppressions[name] for name in names if name in suppressions), None)
    if reason is None:
        return finding
    return finding.under(RULES["suppressed"], f"{finding.rule.says}: {reason}")
