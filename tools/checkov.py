"""Checks the synthesized stacks with checkov, and holds the waivers to account.

checkov reads no inline skip from Terraform's JSON, so a resource's waivers stand under its ``//``
key as ``waivers``: check id to reason. Fails on a check that failed and is not waived, on a waiver
without a reason, and on one that waives nothing. Waivers of the tests' own promises, which stand
there too, are the tests' to judge.
STACKS chooses the stacks, by default all there are; what they cannot be without and the environment
does not give is made up.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.errors import ToolError, run

ROOT = Path(__file__).resolve().parents[1]
CHECKOV = ROOT / ".tools" / "checkov" / "bin" / "checkov"
BASELINE = ROOT / ".local" / "checkov-baseline.json"
MADE_UP = {
    "TERRAFORM_STATE_BUCKET": "terraform-state",
    "TAP_BASTION_PUBLIC_KEY": f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'0' * 43} checkov",
    "TAP_WEB_DOMAIN_NAME": "app.example.com",
    "TAP_WEB_HOSTED_ZONE_ID": "Z0123456789ABCDEFGHIJ",
}


@dataclass(frozen=True, order=True)
class Finding:
    """A check that failed: in which stack, at which resource, and how checkov names that."""

    stack: str
    resource: str
    check: str
    title: str
    reported_as: str


def waivers(stack: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield address, check and reason of every waiver of a check in a synthesized stack."""
    for kind, resources in stack.get("resource", {}).items():
        for name, resource in resources.items():
            for check, reason in resource.get("//", {}).get("waivers", {}).items():
                if check.startswith("CKV"):
                    yield f"{kind}.{name}", check, reason


def address(stack: dict[str, Any], reported: str) -> str:
    """The address of what checkov reports, which may say ``resource.NAME`` without the type."""
    kind, _, name = reported.partition(".")
    if kind != "resource":
        return reported
    kinds = [one for one, resources in stack.get("resource", {}).items() if name in resources]
    return f"{kinds[0]}.{name}" if len(kinds) == 1 else reported


def findings(folder: Path) -> tuple[list[Finding], int]:
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
            Finding(
                where,
                address(stack, reported),
                record["check_id"],
                record["check_name"],
                reported,
            )
        )
    return failed, len(report["results"]["passed_checks"])


def judge(folder: Path) -> tuple[list[str], list[Finding], str]:
    """Return what is wrong, which findings are waived, and a line that sums it up."""
    failed, passed = findings(folder)
    problems, reasons = [], {}
    for path in sorted(folder.rglob("cdk.tf.json")):
        stack = json.loads(path.read_text(encoding="utf-8"))
        for resource, check, reason in waivers(stack):
            reasons[path.parent.name, resource, check] = reason
    waived = [one for one in failed if (one.stack, one.resource, one.check) in reasons]
    for one in sorted(set(failed) - set(waived)):
        problems.append(f"{one.stack}: {one.resource} fails {one.check}: {one.title}")
    used = {(one.stack, one.resource, one.check) for one in waived}
    for key, reason in sorted(reasons.items()):
        where = f"{key[0]}: {key[1]}"
        if key not in used:
            problems.append(f"{where} waives {key[2]}, which does not fail there: drop the waiver")
        elif not reason.strip():
            problems.append(f"{where} waives {key[2]} without a reason")
    summary = f"checkov: {passed} checks passed, {len(waived)} waived beside their resources"
    return problems, waived, summary


def write_baseline(waived: list[Finding]) -> None:
    """Write the waivers as checkov's own baseline, for a plain ``checkov --baseline``."""
    files: dict[str, dict[str, list[str]]] = {}
    for one in sorted(waived):
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
    """Names of all stacks there are; read from the source, as importing it would start Node."""
    tree = ast.parse((ROOT / "lib" / "stacks.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            return [ast.literal_eval(key) for key in node.value.keys if key is not None]
    raise ToolError("lib/stacks.py: no table of stacks found")


def synthesize(folder: Path) -> None:
    """Synthesize the stacks in STACKS (by default all there are) into a folder."""
    environment = MADE_UP | {"STACKS": ",".join(stack_names())}
    environment |= {k: v for k, v in os.environ.items() if v and k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=ROOT,
        env=environment | {"CDKTF_OUTDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolError(f"synth: main.py ended with {done.returncode}: {done.stderr.strip()}")


def main() -> int:
    """Check the stacks; 0 if nothing is wrong, else 1."""
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder))
        problems, waived, summary = judge(Path(folder))
    write_baseline(waived)
    for problem in problems:
        print(problem)
    print(f"{summary}, {len(problems)} to be solved" if problems else f"{summary}, none failed")
    return 1 if problems else 0


if __name__ == "__main__":
    run(main)
