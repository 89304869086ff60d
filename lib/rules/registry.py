"""What a rule is, where rules are registered, and how a suppression excuses a resource."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lib.template import Template

# Each violation begins with the address of what it is about.
Violations = Iterator[str]
Check = Callable[[Template], Violations]
# A synth refuses a stack that breaks a rule of high severity.
Severity = Literal["high", "medium"]


@dataclass(frozen=True, kw_only=True)
class Controls:
    """The controls that a rule serves.

    CIS AWS Foundations Benchmark v3.0.0, AWS Foundational Security Best Practices, and NIST SP
    800-53 revision 5, the latter two as AWS Security Hub relates them:
    https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
    """

    cis: tuple[str, ...] = ()
    fsbp: tuple[str, ...] = ()
    nist: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule that every stack keeps, what it is good for and what keeps it.

    `enforced_by` names the constructs and functions that keep it, with their modules. What `suppressible`
    denies no suppression excuses.
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
        return self.check(template)


@dataclass(frozen=True, order=True)
class Finding:
    """A resource that breaks a rule or fails a check.

    `path` is that of the construct, `rule` the rule's or the check's name.
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
    enforced_by: tuple[str, ...],
    severity: Severity = "high",
    controls: Controls | None = None,
    suppressible: bool = True,
) -> Callable[[Check], Check]:
    """Register a rule under its function's name."""

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
    """What an violation is about."""
    found = re.match(r"[\w.-]+", violation)
    return found[0] if found else ""


def evaluate(name: str, template: Template) -> list[str]:
    """The violations against a rule, but for those that a suppression beside the resource excuses."""
    excused = {one.address for one in template.resources() if name in one.suppressions}
    if not RULES[name].suppressible:
        excused = set()
    return [one for one in RULES[name](template) if address(one) not in excused]


def findings(template: Template, *, severity: Severity | None = None) -> list[Finding]:
    """What breaks the rules (of one severity, if given), with what to do about it."""
    paths = {
        one.address: f"{template.stack}/{one.path}"
        for one in (*template.resources(), *template.data_sources())
    }
    found = []
    for name, one in RULES.items():
        if severity not in (None, one.severity):
            continue
        for violation in _judged(name, template):
            where, fault = address(violation), violation.partition(": ")[2] or violation
            # An violation may name the argument too.
            parts = where.split(".")
            resource = ".".join(parts[: 3 if parts[0] == "data" else 2])
            if where != resource and resource in paths:
                fault = f"{where.removeprefix(resource + '.')}: {fault}"
                where = resource
            path = paths.get(where, template.stack)
            found.append(Finding(template.stack, path, where, name, fault, one.why, one.remedy))
    return found


def _judged(name: str, template: Template) -> list[str]:
    """As `broken`; what a rule cannot make sense of breaks it."""
    try:
        return evaluate(name, template)
    except (LookupError, TypeError, ValueError) as error:
        return [f"{template.stack}: cannot be judged: {error}"]


def rule_suppressions(template: Template) -> set[tuple[str, str, str]]:
    """Every suppression of a rule in a stack, as rule, resource type and construct path."""
    return {
        (name, resource.type, resource.path)
        for resource in template.resources()
        for name in resource.suppressions
        if name in RULES
    }
