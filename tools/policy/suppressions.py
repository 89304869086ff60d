"""Applies the suppressions of checks to their findings."""

from __future__ import annotations

from collections.abc import Iterable

from lib.rules import Finding
from lib.template import Template

# The rule about suppressions: it finds those of rules without effect, this module those of checks.
RULE = "suppressions_have_reasons"


def apply(
    failed: Iterable[Finding], templates: Iterable[Template], checks: str
) -> tuple[list[Finding], list[Finding]]:
    """Divide findings into those that remain and those that are suppressed.

    A suppression without effect is a finding. `checks` is the prefix of the names of the checks
    that were run.
    """
    suppressions = {
        (template.stack, resource.address, name): f"{template.stack}/{resource.path}"
        for template in templates
        for resource in template.resources()
        for name in resource.suppressions
        if name.startswith(checks)
    }
    found = sorted({*failed})
    suppressed = [one for one in found if (one.stack, one.address, one.rule) in suppressions]
    effective = {(one.stack, one.address, one.rule) for one in suppressed}
    without_effect = [
        Finding(
            *(key[0], path, key[1], RULE),
            f"suppresses {key[2]}, which does not fail there",
            "A suppression without effect hides the next violation",
            "Remove the suppression",
        )
        for key, path in suppressions.items()
        if key not in effective
    ]
    remaining = [one for one in found if one not in suppressed]
    return sorted(remaining + without_effect), suppressed
