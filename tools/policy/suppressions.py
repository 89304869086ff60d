"""Applies the suppressions of checks to their findings, and examines those in comments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from lib.rules import Finding
from lib.rules.upkeep import MINIMUM_REASON_WORDS
from lib.template import Template

# The rule about suppressions: it finds those of rules without effect, this module those of checks.
RULE = "suppressions_have_reasons"
COMMENT = re.compile(r"# (?:shellcheck disable=|zizmor: ignore\[)([\w,-]+)\]?(.*)")


class Script(NamedTuple):
    """A file or a part of it: its stack or "", its path, its first line and its text."""

    stack: str
    path: str
    line: int
    text: str


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


def in_comments(scripts: Iterable[Script]) -> tuple[list[Finding], int]:
    """The suppressions in comments that state no reason, and the number of all of them."""
    found, count = [], 0
    for script in scripts:
        for number, line in enumerate(script.text.splitlines(), script.line):
            for names, reason in COMMENT.findall(line):
                count += 1
                if len(reason.strip(" #").split()) < MINIMUM_REASON_WORDS:
                    found.append(
                        Finding(
                            *(script.stack, script.path, f"line {number}", RULE),
                            f"suppresses {names} with the reason {reason.strip(' #')!r}",
                            "A suppression that is not understood hides the next violation",
                            "Write after it why the check does not apply",
                        )
                    )
    return found, count
