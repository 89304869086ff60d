"""The policy gate: `python -m tools.policy`, over all stacks or those in STACKS.

Holds the synthesized JSON to our own rules (`lib/rules`), lints every IAM policy and runs
checkov. Says of each finding where the construct stands, which rule it breaks, why that matters and
what to do. Exit code 1 if there is any, 2 if a tool is missing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from lib.rules import RULES, Finding, Template, findings
from tools import checkov
from tools.errors import run
from tools.policy import iam, suppressions
from tools.policy.stacks import synthesize


def report(found: Sequence[Finding]) -> str:
    """The findings as text, those of one construct together."""
    lines = []
    for (path, address), of_one in groupby(sorted(found), lambda one: (one.path, one.address)):
        lines.append(f"{path} ({address})")
        for one in of_one:
            lines += [f"  {one.rule}: {one.fault}", f"    why:    {one.why}"]
            lines.append(f"    remedy: {one.remedy}")
    return "\n".join(lines)


def judge(templates: Sequence[Template], folder: Path) -> tuple[list[Finding], str]:
    """What breaks a rule, and a line that sums it up."""
    policies = [policy for template in templates for policy in iam.policies(template)]
    invalid, accepted = suppressions.judge(iam.lint(policies), templates, "IAM_")
    failed, suppressed, passed = checkov.judge(folder, templates)
    broken = [one for template in templates for one in findings(template)]
    own = sum(
        name in RULES
        for template in templates
        for resource in template.resources()
        for name in resource.suppressions
    )
    resources = sum(len(template.resources()) for template in templates)
    summary = (
        f"policy: {', '.join(template.stack for template in templates)}: {resources} resources,"
        f" {len(RULES)} rules, {len(policies)} IAM policies, {passed} checks of checkov"
        f" passed, {own + len(accepted) + len(suppressed)} suppressions"
    )
    return broken + invalid + failed, summary


def main() -> int:
    """Judge the stacks; 0 if nothing is wrong, else 1."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found, summary = judge(synthesize(folder), folder)
    if found:
        print(report(found))
    print(f"{summary}; to be solved: {len(found) or 'nothing'}")
    return 1 if found else 0


if __name__ == "__main__":
    run(main)
