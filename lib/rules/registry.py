"""The registry of rules, their evaluation, and suppressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lib.template import Template

# Each violation begins with the address of the resource, or of the argument, that it is about.
Violations = Iterator[str]
Check = Callable[[Template], Violations]
# Synthesis fails on a violation of a rule of high severity.
Severity = Literal["high", "medium"]


@dataclass(frozen=True, kw_only=True)
class Controls:
    """The controls that a rule supports.

    CIS AWS Foundations Benchmark v3.0.0, AWS Foundational Security Best Practices, and NIST SP
    800-53 revision 5, the latter two as AWS Security Hub relates them:
    https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
    """

    cis: tuple[str, ...] = ()
    fsbp: tuple[str, ...] = ()
    nist: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule for every stack.

    `why` states the risk, `remedy` what to do about a violation. `enforced_by` are the constructs
    (`module.Class`) whose resources comply by construction; a test shows for each of them that the
    rule detects the change that removes this protection. A rule with `suppressible=False` applies
    to every resource.
    """

    name: str
    check: Check
    why: str
    remedy: str
    severity: Severity
    enforced_by: tuple[str, ...]
    controls: Controls
    suppressible: bool

    def __call__(self, template: Template) -> Violations:
        """The violations of the rule, suppressed ones included."""
        return self.check(template)

    @property
    def summary(self) -> str:
        """The requirement in one sentence."""
        return (self.check.__doc__ or "").strip()


@dataclass(frozen=True, order=True)
class Finding:
    """A violation of a rule, or a failed check: `fault` states what is wrong with the resource.

    `path` is the path of the construct, `rule` the name of the rule or the check.
    """

    stack: str
    path: str
    address: str
    rule: str
    fault: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return (
            f"{self.path} ({self.address}): {self.fault}. {self.rule}: {self.why}. {self.remedy}."
        )


RULES: dict[str, Rule] = {}


def rule(
    *,
    why: str,
    remedy: str,
    enforced_by: tuple[str, ...] = (),
    severity: Severity = "high",
    controls: Controls | None = None,
    suppressible: bool = True,
) -> Callable[[Check], Check]:
    """Register a function as a rule; the rule has the name of the function."""

    def register(check: Check) -> Check:
        RULES[check.__name__] = Rule(
            name=check.__name__,
            check=check,
            why=why,
            remedy=remedy,
            severity=severity,
            enforced_by=enforced_by,
            controls=controls or Controls(),
            suppressible=suppressible,
        )
        return check

    return register


def address(violation: str) -> str:
    """The address at the beginning of a violation."""
    found = re.match(r"[\w.-]+", violation)
    return found[0] if found else ""


def evaluate(name: str, template: Template) -> list[str]:
    """The violations of a rule, without those that a suppression of their resource covers."""
    suppressed = {one.address for one in template.resources() if name in one.suppressions}
    if not RULES[name].suppressible:
        suppressed = set()
    return [one for one in RULES[name](template) if address(one) not in suppressed]


def findings(template: Template, *, severity: Severity | None = None) -> list[Finding]:
    """The violations of all rules, or of those of one severity, as findings."""
    paths = {
        one.address: f"{template.stack}/{one.path}"
        for one in (*template.resources(), *template.data_sources())
    }
    found = []
    for name, one in RULES.items():
        if severity not in (None, one.severity):
            continue
        for violation in _evaluate_safely(name, template):
            where, fault = address(violation), violation.partition(": ")[2] or violation
            # A violation may begin with the address of an argument.
            parts = where.split(".")
            resource = ".".join(parts[: 3 if parts[0] == "data" else 2])
            if where != resource and resource in paths:
                fault = f"{where.removeprefix(resource + '.')}: {fault}"
                where = resource
            path = paths.get(where, template.stack)
            found.append(Finding(template.stack, path, where, name, fault, one.why, one.remedy))
    return found


def _evaluate_safely(name: str, template: Template) -> list[str]:
    """As `evaluate`; JSON that a rule cannot read is a violation."""
    try:
        return evaluate(name, template)
    except (LookupError, TypeError, ValueError) as error:
        return [f"{template.stack}: cannot be evaluated: {error}"]


def rule_suppressions(template: Template) -> set[tuple[str, str, str]]:
    """Every suppression of a rule in a stack, as rule, resource type and construct path."""
    return {
        (name, resource.type, resource.path)
        for resource in template.resources()
        for name in resource.suppressions
        if name in RULES
    }
