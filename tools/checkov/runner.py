"""Runs checkov on the synthesized JSON and on the plans, and turns its reports into findings.

checkov reads no inline skips from Terraform JSON, so suppressions are in the metadata of a resource
(`lib/suppressions.py`) and are applied here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.rules import Finding
from lib.template import Template
from tools.errors import ToolError
from tools.policy import suppressions
from tools.policy.plans import FOLDER as PLANS
from tools.policy.programs import FOLDER, run_json
from tools.project import ROOT

CHECKOV = FOLDER / "checkov" / "bin" / "checkov"
BASELINE = ROOT / ".local" / "checkov-baseline.json"


@dataclass(frozen=True, order=True)
class Failure:
    """A failed check in a file; `reported_as` is the name of the resource in checkov's report."""

    stack: str
    resource: str
    check: str
    title: str
    reported_as: str
    file: str


@dataclass(frozen=True)
class Result:
    """The findings, the suppressed failures, and the number of checks that passed."""

    findings: list[Finding]
    suppressed: list[Failure]
    passed: int


def address(stack: dict[str, Any], reported: str) -> str:
    """The address of a reported resource; checkov may report `resource.NAME` without the type."""
    kind, _, name = reported.partition(".")
    if kind != "resource":
        return reported
    types = [type_ for type_, named in stack.get("resource", {}).items() if name in named]
    return f"{types[0]}.{name}" if len(types) == 1 else reported


def failures(folder: Path) -> tuple[list[Failure], int]:
    """Run checkov on a folder: the failures, and the number of passed checks.

    The folder contains the synthesized stacks and, unless it has none, their plans in
    `plans/STACK.json`.
    """
    frameworks = ["terraform_json", *(["terraform_plan"] if (folder / PLANS).is_dir() else [])]
    printed = run_json(
        CHECKOV,
        *("--framework", *frameworks, "--directory", str(folder)),
        *("--output", "json", "--skip-download", "--compact", "--soft-fail"),
        variables={"LOG_LEVEL": "CRITICAL"},
    )
    reports = printed if isinstance(printed, list) else [printed]
    failed: list[Failure] = []
    passed = 0
    for report in reports:
        if "results" not in report:
            raise ToolError(f"checkov: received a report without stacks: {report}")
        unread = report["results"]["parsing_errors"]
        if unread:
            raise ToolError(f"checkov: cannot parse {', '.join(map(str, unread))}")
        failed += (_failure(folder, one) for one in report["results"]["failed_checks"])
        passed += len(report["results"]["passed_checks"])
    if {report["check_type"] for report in reports} != {*frameworks}:
        raise ToolError(f"checkov: received no report of each of {', '.join(frameworks)}")
    return failed, passed


def _failure(folder: Path, record: dict[str, Any]) -> Failure:
    reported = record["resource"]
    path = folder / record["file_path"].lstrip("/")
    is_plan = path.parent.name == PLANS
    stack = {} if is_plan else json.loads(path.read_text(encoding="utf-8"))
    return Failure(
        path.stem if is_plan else path.parent.name,
        address(stack, reported),
        record["check_id"],
        record["check_name"],
        reported,
        f"/{path.relative_to(folder)}",
    )


def evaluate(folder: Path, templates: Sequence[Template]) -> Result:
    """Run checkov on the stacks in a folder and apply the suppressions in their templates.

    A suppression applies to the synthesized JSON and to the plan. It has an effect if the check
    fails in one of them.
    """
    failed, passed = failures(folder)
    paths = {
        (template.stack, resource.address): f"{template.stack}/{resource.path}"
        for template in templates
        for resource in (*template.resources(), *template.data_sources())
    }
    found = [
        Finding(
            one.stack,
            paths.get((one.stack, one.resource), one.stack),
            one.resource,
            one.check,
            "the check of checkov failed",
            one.title,
            f"Set what the check requires; if it does not apply, suppress {one.check}",
        )
        for one in failed
    ]
    findings, accepted = suppressions.apply(found, templates, "CKV")
    suppressed = [one for one, finding in zip(failed, found, strict=True) if finding in accepted]
    return Result(findings, suppressed, passed)


def write_baseline(suppressed: Iterable[Failure]) -> None:
    """Write the suppressions as a baseline, for `checkov --baseline`."""
    files: dict[str, dict[str, list[str]]] = {}
    for one in sorted(suppressed):
        files.setdefault(one.file, {}).setdefault(one.reported_as, []).append(one.check)
    document = {
        "failed_checks": [
            {
                "file": file,
                "findings": [
                    {"resource": resource, "check_ids": checks}
                    for resource, checks in resources.items()
                ],
            }
            for file, resources in files.items()
        ]
    }
    BASELINE.parent.mkdir(exist_ok=True)
    BASELINE.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
