"""Checks the synthesized stacks with checkov, and holds the suppressions to account.

checkov reads no inline skip from Terraform's JSON, so a resource's suppressions stand under its ``//``
key. Fails on a check that failed and is not suppressed, and on a suppression that suppresses nothing; the
rule ``suppressions_have_reasons`` judges reasons and months. STACKS chooses the stacks, by default
all there are; what they cannot be without and the environment does not give is made up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.rules import Finding, Template
from lib.settings import load_settings
from lib.stacks import STACKS, placeholder_variables
from tools.errors import ToolError, run
from tools.policy import suppressions

ROOT = Path(__file__).resolve().parents[1]
CHECKOV = ROOT / ".tools" / "checkov" / "bin" / "checkov"
BASELINE = ROOT / ".local" / "checkov-baseline.json"


@dataclass(frozen=True, order=True)
class Failure:
    """A check that failed: in which stack, at which resource, and how checkov names that."""

    stack: str
    resource: str
    check: str
    title: str
    reported_as: str


def address(stack: dict[str, Any], reported: str) -> str:
    """The address of what checkov reports, which may say ``resource.NAME`` without the type."""
    kind, _, name = reported.partition(".")
    if kind != "resource":
        return reported
    kinds = [one for one, resources in stack.get("resource", {}).items() if name in resources]
    return f"{kinds[0]}.{name}" if len(kinds) == 1 else reported


def failures(folder: Path) -> tuple[list[Failure], int]:
    """Run checkov on every stack below a folder; what failed, and how many checks passed."""
    if not CHECKOV.exists():
        raise ToolError(f"checkov: {CHECKOV} is missing. Run `make checkov`, which installs it.")
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
            f"checkov: received no report from it ({done.returncode}). {tail}"
        ) from error
    if "results" not in report:
        raise ToolError(f"checkov: it read none of the stacks in {folder}: {report}")
    unread = report["results"]["parsing_errors"]
    if unread:
        raise ToolError(f"checkov: it cannot read {', '.join(map(str, unread))}")
    failed = []
    for record in report["results"]["failed_checks"]:
        path = folder / record["file_path"].lstrip("/")
        stack = json.loads(path.read_text(encoding="utf-8"))
        where, reported = path.parent.name, record["resource"]
        failed.append(
            Failure(
                where,
                address(stack, reported),
                record["check_id"],
                record["check_name"],
                reported,
            )
        )
    return failed, len(report["results"]["passed_checks"])


def judge(folder: Path, templates: Sequence[Template]) -> tuple[list[Finding], list[Failure], int]:
    """Return what is wrong, which failures are suppressed, and how many checks passed."""
    failed, passed = failures(folder)
    paths = {
        (template.stack, resource.address): f"{template.stack}/{resource.path}"
        for template in templates
        for resource in (*template.resources(), *template.data_sources())
    }
    told = {
        Finding(
            one.stack,
            paths.get((one.stack, one.resource), one.stack),
            one.resource,
            one.check,
            "checkov finds that it fails",
            one.title,
            f"Set what the check asks for; if it does not apply, suppress {one.check} beside it",
        ): one
        for one in failed
    }
    problems, excused = suppressions.judge(told, templates, "CKV")
    return problems, [told[one] for one in excused], passed


def write_baseline(suppressed: list[Failure]) -> None:
    """Write the suppressions as checkov's own baseline, for a plain ``checkov --baseline``."""
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


def stack_names() -> list[str]:
    """Names of all stacks."""
    return list(STACKS)


def environment() -> dict[str, str]:
    """The variables to synthesize with: those that are set, and what must not be missing."""
    given = placeholder_variables() | {"STACKS": ",".join(stack_names())}
    return given | {k: v for k, v in os.environ.items() if v and k != "PYTHONDONTWRITEBYTECODE"}


def synthesize(folder: Path) -> None:
    """Synthesize the stacks in STACKS (by default all there are) into a folder."""
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=ROOT,
        env=environment() | {"CDKTF_OUTDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolError(f"synth: main.py ended with {done.returncode}: {done.stderr.strip()}")


def read(folder: Path) -> list[Template]:
    """The stacks that were synthesized into a folder."""
    settings = load_settings(environment())
    return [
        Template(json.loads(file.read_text(encoding="utf-8")), settings)
        for file in sorted(folder.glob("stacks/*/cdk.tf.json"))
    ]


def main() -> int:
    """Check the stacks; 0 if nothing is wrong, else 1."""
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder))
        problems, suppressed, passed = judge(Path(folder), read(Path(folder)))
    write_baseline(suppressed)
    for problem in problems:
        print(problem)
    found = f"{len(problems)} to be solved" if problems else "none failed"
    print(
        f"checkov: {passed} checks passed, {len(suppressed)} suppressed beside their resources, {found}"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    run(main)
