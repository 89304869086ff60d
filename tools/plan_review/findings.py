"""Rules and what they find in a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, IntEnum

from tools.plan_review.model import Change, Plan


class Level(IntEnum):
    """The level of a rule, and the verdict on a plan: the highest level of its findings."""

    SAFE = 0
    LOOK = 1
    STOP = 2

    @property
    def exit_code(self) -> int:
        """The exit code of `plan-review`; 2 means invalid input."""
        return {Level.SAFE: 0, Level.LOOK: 3, Level.STOP: 1}[self]


class Section(Enum):
    """The sections of the report that list findings, in their order; the values are the titles."""

    LIFECYCLE = "Destroyed or replaced"
    ACCESS = "Access"
    PROTECTION = "Protection and secrets"
    COST = "Cost"
    PLAN = "Drift and completeness"


@dataclass(frozen=True)
class Evidence:
    """A match of a rule, named by `rule`.

    `lines` are `attribute: before → after`, or with `diff` lines that begin with +, - or a blank.
    `change` is set by checks of a whole plan only.
    """

    rule: str
    note: str = ""
    lines: tuple[str, ...] = ()
    diff: bool = False
    change: Change | None = None


Check = Callable[[Change], Iterable[Evidence]]
PlanCheck = Callable[[Plan], Iterable[Evidence]]


@dataclass(frozen=True)
class Rule:
    """A rule of the review.

    `title` names the finding in the report, `description` says in the documentation when the rule
    applies. `checks` yield evidence for one change, `plan_checks` for a plan. A check that grades
    one difference in several ways stands in the row of each rule that it can yield; it runs once.
    `suppressed_by` are the suppressions in the source (names of our rules and checkov identifiers)
    that turn a finding into one of the rule `suppressed`.
    """

    name: str
    level: Level
    section: Section
    title: str
    description: str
    checks: tuple[Check, ...] = ()
    plan_checks: tuple[PlanCheck, ...] = ()
    suppressed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A rule that applies to a change, or to a whole plan if `change` is None."""

    rule: Rule
    plan: str
    change: Change | None
    note: str = ""
    lines: tuple[str, ...] = ()
    diff: bool = False

    @property
    def where(self) -> str:
        """The path of the resource, or the name of the plan."""
        return self.change.path if self.change else self.plan

    def replace_rule(self, rule: Rule, note: str) -> Finding:
        """Return the finding under another rule."""
        return replace(self, rule=rule, note=note)
