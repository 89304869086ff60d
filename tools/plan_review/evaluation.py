"""Evaluates the rules on plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tools.plan_review.checks.lifecycle import STATEFUL, destroyed_or_replaced
from tools.plan_review.findings import Evidence, Finding, Level
from tools.plan_review.model import Action, Change, Plan
from tools.plan_review.noise import noise_kind
from tools.plan_review.reader import read
from tools.plan_review.rules import RULES
from tools.plan_review.values import Json


@dataclass
class Review:
    """The result of a review: findings in the order of the rules, and the changes that are noise.

    `noise` has pairs of the kind of noise and the change.
    """

    plans: tuple[Plan, ...]
    findings: list[Finding] = field(default_factory=list)
    noise: list[tuple[str, Change]] = field(default_factory=list)

    @property
    def level(self) -> Level:
        """The verdict: the highest level of the findings."""
        return max((one.rule.level for one in self.findings), default=Level.SAFE)

    @property
    def changes(self) -> list[Change]:
        """All changes, including noise."""
        quiet = (Action.NONE, Action.READ)
        return [one for plan in self.plans for one in plan.changes if one.action not in quiet]

    @property
    def other_changes(self) -> list[Change]:
        """The changes that are neither noise nor part of a finding."""
        named = {id(one.change) for one in self.findings} | {id(one) for _, one in self.noise}
        return [one for one in self.changes if id(one) not in named]


def review(
    plan: Mapping[str, Json], source: Mapping[str, Json] | None = None, *, name: str = ""
) -> Review:
    """Review one plan; the arguments and errors are those of `read`."""
    return evaluate([read(plan, source, name=name)])


def evaluate(plans: Sequence[Plan]) -> Review:
    """Evaluate all rules on the plans, which get one common verdict."""
    result = Review(tuple(plans))
    plan_checks = dict.fromkeys(check for rule in RULES.values() for check in rule.plan_checks)
    for plan in plans:
        for check in plan_checks:
            result.findings += [_finding(one, plan.name, one.change) for one in check(plan)]
    destroyed = _destroyed_identifiers(result.changes)
    for change in result.changes:
        kind = noise_kind(change)
        if kind:
            result.noise.append((kind, change))
        else:
            result.findings += _evaluate_change(change, destroyed)
    order = {name: number for number, name in enumerate(RULES)}
    result.findings.sort(key=lambda one: (order[one.rule.name], one.where))
    return result


def _evaluate_change(change: Change, destroyed: set[str]) -> Iterator[Finding]:
    checks = dict.fromkeys(check for rule in RULES.values() for check in rule.checks)
    if change.action is Action.DELETE and destroyed & _references(change):
        # A bucket policy that is destroyed together with its bucket grants no access.
        checks = {destroyed_or_replaced: None}
    for check in checks:
        for evidence in check(change):
            yield _apply_suppression(_finding(evidence, change.plan, change))


def _finding(evidence: Evidence, plan: str, change: Change | None) -> Finding:
    rule = RULES[evidence.rule]
    return Finding(rule, plan, change, evidence.note, evidence.lines, evidence.diff)


def _apply_suppression(finding: Finding) -> Finding:
    """Return the finding, under the rule `suppressed` if the source suppresses its rule."""
    suppressions = finding.change.suppressions if finding.change else {}
    names = (name for name in finding.rule.suppressed_by if name in suppressions)
    reason = next((suppressions[name] for name in names), None)
    if reason is None:
        return finding
    return finding.replace_rule(RULES["suppressed"], f"{finding.rule.title}: {reason}")


def _destroyed_identifiers(changes: Sequence[Change]) -> set[str]:
    """Return id and ARN of the stateful resources that are destroyed."""
    destroyed = (one for one in changes if one.action is Action.DELETE and one.type in STATEFUL)
    found = (one.before.get(key) for one in destroyed for key in ("id", "arn"))
    return {one for one in found if one and isinstance(one, str)}


def _references(change: Change) -> set[str]:
    own = ("id", "arn", "name") if change.type in STATEFUL else ()
    return {v for k, v in change.before.items() if isinstance(v, str) and v and k not in own}
