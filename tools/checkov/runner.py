"""Runs checkov and turns its report into findings.

checkov reads no inline skips from Terraform JSON, so suppressions are in the metadata of a resource
(`lib/suppressions.py`) and are applied here.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.rules import Finding
from lib.template import Template
from tools.errors import ToolError
from tools.policy import suppressions
from tools.project import ROOT

CHECKOV = ROOT / ".tools" / "checkov" / "bin" / "checkov"
BASELINE = ROOT / ".local" / "checkov-baseline.json"


@dataclass(frozen=True, order=True)
class Failure:
    """A failed check; `reported_as` is the name of the resource in the report of checkov."""

    stack: str
    resource: str
    check: str
    title: str
    reported_as: str


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
    """Run checkov on every stack in a folder: the failures, and the number of passed checks."""
    if not CHECKOV.exists():
        raise ToolError(
            f"checkov: received no program {CHECKOV.relative_to(ROOT)}; accepted: the version that"
            " the Makefile pins. Run `make checkov`, which installs it."
        )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [
            *(CHECKOV, "--framework", "terraform_json", "--directory", folder),
            *("--output", "json", "--skip-download", "--compact", "--soft-fail"),
        ],
        env=environment | {"LOG_LEVEL": "CRITICAL"},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        tail = "\n".join(done.stderr.splitlines()[-5:])
        raise ToolError(
            f"checkov: received no report (exit code {done.returncode}). {tail}"
        ) from error
    if "results" not in report:
        raise ToolError(f"checkov: received a report without stacks: {report}")
    unread = report["results"]["parsing_errors"]
    if unread:
        raise ToolError(f"checkov: cannot parse {', '.join(map(str, unread))}")
    failed = []
    for record in report["results"]["failed_checks"]:
        path = folder / record["file_path"].lstrip("/")
        stack = json.loads(path.read_text(encoding="utf-8"))
        reported = record["resource"]
        failed.append(
            Failure(
                path.parent.name,
                address(stack, reported),
                record["check_id"],
                record["check_name"],
                reported,
            )
        )
    return failed, len(report["results"]["passed_checks"])


def evaluate(folder: Path, templates: Sequence[Template]) -> Result:
    """Run checkov on the stacks in a folder and apply the suppressions in their templates."""
    failed, passed = failures(folder)
    paths = {
        (template.stack, resource.address): f"{template.stack}/{resource.path}"
        for template in templates
        for resource in (*template.resources(), *template.data_sources())
    }
    by_finding = {
        Finding(
            one.stack,
            paths.get((one.stack, one.resource), one.stack),
            one.resource,
            one.check,
            "the check of checkov failed",
            one.title,
            f"Set what the check requires; if it does not apply, suppress {one.check}",
        ): one
        for one in failed
    }
    findings, suppressed = suppressions.apply(by_finding, templates, "CKV")
    return Result(findings, [by_finding[one] for one in suppressed], passed)


def write_baseline(suppressed: Iterable[Failure]) -> None:
    """Write the suppressions as a baseline, for `checkov --baseline`."""
    files: dict[str, dict[str, list[str]]] = {}
    for one in sorted(suppressed):
        stack = files.setdefault(f"/stacks/{one.stack}/cdk.tf.json", {})
        stack.setdefault(one.reported_as, []).append(one.check)
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
