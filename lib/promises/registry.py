"""What a promise is, where promises are registered, and how a waiver excuses a resource."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lib.promises.template import Template

# Each offence begins with the address of what it is about.
Offences = Iterator[str]
Check = Callable[[Template], Offences]
# A synth refuses a stack that breaks a promise of high severity.
Severity = Literal["high", "medium"]


@dataclass(frozen=True, kw_only=True)
class Controls:
    """The controls that a promise serves.

    CIS AWS Foundations Benchmark v3.0.0, AWS Foundational Security Best Practices, and NIST SP
    800-53 revision 5, the latter two as AWS Security Hub relates them:
    https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
    """

    cis: tuple[str, ...] = ()
    fsbp: tuple[str, ...] = ()
    nist: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A rule that every stack keeps, what it is good for and what keeps it.

    `kept_by` names the constructs and functions that keep it, with their modules. What `waivable`
    denies no waiver excuses.
    """

    name: str
    check: Check
    why: str
    remedy: str
    severity: Severity
    kept_by: tuple[str, ...]
    controls: Controls
    waivable: bool

    def __call__(self, template: Template) -> Offences:
        return self.check(template)


@dataclass(frozen=True, order=True)
class Finding:
    """A resource that breaks a promise or fails a check.

    `path` is that of the construct, `rule` the promise's or the check's name.
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


PROMISES: dict[str, Promise] = {}


def promise(
    *,
    why: str,
    remedy: str,
    kept_by: tuple[str, ...],
    severity: Severity = "high",
    controls: Controls | None = None,
    waivable: bool = True,
) -> Callable[[Check], Check]:
    """Register a promise under its function's name."""

    def register(check: Check) -> Check:
        PROMISES[check.__name__] = Promise(
            name=check.__name__,
            check=check,
            why=why,
            remedy=remedy,
            severity=severity,
            kept_by=kept_by,
            controls=controls or Controls(),
            waivable=waivable,
        )
        return check

    return register


def address(offence: str) -> str:
    """What an offence is about."""
    found = re.match(r"[\w.-]+", offence)
    return found[0] if found else ""


def broken(name: str, template: Template) -> list[str]:
    """The offences against a promise, but for those that a waiver beside the resource excuses."""
    excused = {one.address for one in template.resources() if name in one.waivers}
    if not PROMISES[name].waivable:
        excused = set()
    return [one for one in PROMISES[name](template) if address(one) not in excused]


def findings(template: Template, *, severity: Severity | None = None) -> list[Finding]:
    """What breaks the promises (of one severity, if given), with what to do about it."""
    paths = {
        one.address: f"{template.stack}/{one.path}"
        for one in (*template.resources(), *template.data_sources())
    }
    found = []
    for name, one in PROMISES.items():
        if severity not in (None, one.severity):
            continue
        for offence in _judged(name, template):
            where, fault = address(offence), offence.partition(": ")[2] or offence
            # An offence may name the argument too.
            parts = where.split(".")
            resource = ".".join(parts[: 3 if parts[0] == "data" else 2])
            if where != resource and resource in paths:
                fault = f"{where.removeprefix(resource + '.')}: {fault}"
                where = resource
            path = paths.get(where, template.stack)
            found.append(Finding(template.stack, path, where, name, fault, one.why, one.remedy))
    return found


def _judged(name: str, template: Template) -> list[str]:
    """As `broken`; what a promise cannot make sense of breaks it."""
    try:
        return broken(name, template)
    except (LookupError, TypeError, ValueError) as error:
        return [f"{template.stack}: cannot be judged: {error}"]


def own_waivers(template: Template) -> set[tuple[str, str, str]]:
    """Every waiver of a promise in a stack, as promise, resource type and construct path."""
    return {
        (name, resource.type, resource.path)
        for resource in template.resources()
        for name in resource.waivers
        if name in PROMISES
    }
