"""Which findings the suppressions beside the resources excuse, and which suppressions suppress nothing."""

from __future__ import annotations

from collections.abc import Iterable

from lib.rules import Finding, Template

# The rule that judges suppressions; it knows those of rules, and this module those of checks.
RULE = "suppressions_have_reasons"


def judge(
    failed: Iterable[Finding], templates: Iterable[Template], checks: str
) -> tuple[list[Finding], list[Finding]]:
    """What stands, and what is excused; a suppression that suppresses nothing stands as a finding.

    `checks` is how the names of the checks begin that were made.
    """
    reasons = {
        (template.stack, resource.address, name): f"{template.stack}/{resource.path}"
        for template in templates
        for resource in template.resources()
        for name in resource.suppressions
        if name.startswith(checks)
    }
    found = sorted({*failed})
    excused = [one for one in found if (one.stack, one.address, one.rule) in reasons]
    used = {(one.stack, one.address, one.rule) for one in excused}
    idle = [
        Finding(
            *(key[0], path, key[1], RULE),
            f"suppresses {key[2]}, which does not fail there",
            "A suppression that suppresses nothing hides the next fault",
            "Drop the suppression",
        )
        for key, path in reasons.items()
        if key not in used
    ]
    return sorted([one for one in found if one not in excused] + idle), excused
