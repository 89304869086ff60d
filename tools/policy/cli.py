"""`tap policy`: evaluates the rules and the checks of other programs, and prints a table."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, TypeVar

import click

from lib.rules import RULES, Finding, duplicate_physical_names, findings
from lib.template import Template
from tools import terraform
from tools.checkov import runner as checkov
from tools.command import ToolCommand
from tools.errors import FAILED
from tools.policy import iam, shell, suppressions, tf_nag, workflows
from tools.policy.plans import write_plans
from tools.policy.programs import installed
from tools.policy.synthesis import synthesize

T = TypeVar("T")


class Outcome(NamedTuple):
    """The result of one check: what it evaluated, and what it found."""

    evaluated: str
    findings: list[Finding]
    suppressed: int = 0


class Row(NamedTuple):
    """A row of the table: the name of a check, its result and its duration."""

    check: str
    outcome: Outcome
    seconds: float


def report(found: Sequence[Finding]) -> str:
    """The findings as text, grouped by resource."""
    lines = []
    for (path, address), group in groupby(sorted(found), lambda one: (one.path, one.address)):
        lines.append(f"{path} ({address})")
        for one in group:
            lines += [f"  {one.rule}: {one.fault}", f"    why:    {one.why}"]
            lines.append(f"    remedy: {one.remedy}")
    return "\n".join(lines)


def table(rows: Sequence[Row]) -> str:
    """The results as a table of text."""
    cells: list[tuple[str, ...]] = [("check", "evaluated", "suppressed", "findings", "seconds")]
    for check, outcome, seconds in rows:
        numbers = (outcome.suppressed, len(outcome.findings), round(seconds))
        cells.append((check, outcome.evaluated, *map(str, numbers)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


def _rules(templates: Sequence[Template]) -> Outcome:
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
    resources = [resource for template in templates for resource in template.resources()]
    suppressed = sum(name in RULES for resource in resources for name in resource.suppressions)
    return Outcome(f"{len(RULES)} rules, {len(resources)} resources", violations, suppressed)


def _iam(templates: Sequence[Template]) -> Outcome:
    policies = [policy for template in templates for policy in iam.policies(template)]
    invalid, accepted = suppressions.apply(iam.lint(policies), templates, "IAM_")
    return Outcome(f"{len(policies)} policies", invalid, len(accepted))


def _checkov(folder: Path, plans: Sequence[Path], templates: Sequence[Template]) -> Outcome:
    result = checkov.evaluate(folder, templates)
    evaluated = f"{result.passed} checks passed in {len(templates)} stacks, {len(plans)} plans"
    return Outcome(evaluated, result.findings, len(result.suppressed))


def _tf_nag(plans: Sequence[Path], templates: Sequence[Template]) -> Outcome:
    result = tf_nag.evaluate(plans, templates)
    evaluated = f"{len(plans)} plans; {result.undetermined} results left to our rules"
    return Outcome(evaluated, result.findings, result.suppressed)


def _workflows() -> Outcome:
    files = workflows.workflow_files()
    found, suppressed = suppressions.in_comments(map(workflows.as_script, files))
    return Outcome(f"{len(files)} workflows", workflows.lint(files) + found, suppressed)


def _shell(templates: Sequence[Template]) -> Outcome:
    scripts = shell.collect(templates)
    found, suppressed = suppressions.in_comments(scripts)
    return Outcome(f"{len(scripts)} scripts", shell.lint(scripts) + found, suppressed)


def require_programs() -> None:
    """Raise ToolError if a program is missing, before the first check runs."""
    for program in (
        *(iam.VALIDATOR, iam.SERVICES, checkov.CHECKOV, tf_nag.PROGRAM),
        *(workflows.PROGRAM, shell.PROGRAM),
    ):
        installed(program)
    terraform.environment()


def evaluate(templates: Sequence[Template], folder: Path) -> Iterator[Row]:
    """Run every check on the stacks, which are synthesized in a folder, and on the scripts."""
    with ThreadPoolExecutor(1) as pool:
        # Terraform's plans take longest; the checks that do not read them run meanwhile.
        planning = pool.submit(_timed, lambda: write_plans(folder))
        yield _row("rules", lambda: _rules(templates))
        yield _row("iam-validator", lambda: _iam(templates))
        yield _row("zizmor", _workflows)
        yield _row("shellcheck", lambda: _shell(templates))
        plans, seconds = planning.result()
    yield Row("terraform plan", Outcome(f"{len(plans)} stacks", []), seconds)
    yield _row("checkov", lambda: _checkov(folder, plans, templates))
    yield _row("tf-nag", lambda: _tf_nag(plans, templates))


def _timed(function: Callable[[], T]) -> tuple[T, float]:
    start = time.monotonic()
    return function(), time.monotonic() - start


def _row(check: str, function: Callable[[], Outcome]) -> Row:
    return Row(check, *_timed(function))


@click.command(cls=ToolCommand)
@click.argument("stacks", nargs=-1)
def command(stacks: tuple[str, ...]) -> int:
    """Evaluate rules, IAM policies, checkov and tf-nag on STACKS; lint workflows and shell.

    Default: the stacks in the variable STACKS, else all stacks. Plans each stack with Terraform on
    an empty emulated account. Prints for each finding the resource or line, the rule, the reason
    and the remedy, then a table of all checks; exit code 1 if there are findings.
    """
    require_programs()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        templates = synthesize(folder, stacks)
        rows = list(evaluate(templates, folder))
    found = [one for row in rows for one in row.outcome.findings]
    if found:
        click.echo(report(found))
    click.echo(table(rows))
    names = ", ".join(template.stack for template in templates)
    click.echo(f"policy: {names}: findings: {len(found) or 'none'}")
    return FAILED if found else 0
