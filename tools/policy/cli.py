"""`tap policy`: evaluates the rules, lints the IAM policies and runs checkov."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import click

from lib.rules import RULES, Finding, duplicate_physical_names, findings
from lib.template import Template
from tools.checkov import runner as checkov
from tools.command import ToolCommand
from tools.errors import FAILED
from tools.policy import iam, suppressions
from tools.policy.synthesis import synthesize


def report(found: Sequence[Finding]) -> str:
    """The findings as text, grouped by resource."""
    lines = []
    for (path, address), group in groupby(sorted(found), lambda one: (one.path, one.address)):
        lines.append(f"{path} ({address})")
        for one in group:
            lines += [f"  {one.rule}: {one.fault}", f"    why:    {one.why}"]
            lines.append(f"    remedy: {one.remedy}")
    return "\n".join(lines)


def evaluate(templates: Sequence[Template], folder: Path) -> tuple[list[Finding], str]:
    """The findings in the stacks, which are synthesized in a folder, and a summary line."""
    policies = [policy for template in templates for policy in iam.policies(template)]
    invalid, accepted = suppressions.apply(iam.lint(policies), templates, "IAM_")
    checks = checkov.evaluate(folder, templates)
    violations = [one for template in templates for one in findings(template)]
    violations += [
        Finding(
            *(one.paths[0].partition("/")[0], one.paths[0], one.type, "duplicate_physical_names"),
            f"{', '.join(one.paths)} have the same name {one.name!r}",
            "Resources of the same type need different names in one account",
            "Give each stack a prefix of its own in lib/stacks.py",
        )
        for one in duplicate_physical_names(templates)
    ]
    rules = sum(
        name in RULES
        for template in templates
        for resource in template.resources()
        for name in resource.suppressions
    )
    resources = sum(len(template.resources()) for template in templates)
    summary = (
        f"policy: {', '.join(template.stack for template in templates)}: {resources} resources,"
        f" {len(RULES)} rules, {len(policies)} IAM policies, {checks.passed} checkov checks"
        f" passed, {rules + len(accepted) + len(checks.suppressed)} suppressions"
    )
    return violations + invalid + checks.findings, summary


@click.command(cls=ToolCommand)
@click.argument("stacks", nargs=-1)
def command(stacks: tuple[str, ...]) -> int:
    """Evaluate the rules, lint the IAM policies and run checkov on STACKS.

    Default: the stacks in the variable STACKS, else all stacks. Prints for each finding the
    resource, the rule, the reason and the remedy; exit code 1 if there are findings.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found, summary = evaluate(synthesize(folder, stacks), folder)
    if found:
        click.echo(report(found))
    click.echo(f"{summary}; findings: {len(found) or 'none'}")
    return FAILED if found else 0
