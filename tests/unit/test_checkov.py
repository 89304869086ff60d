"""checkov: addresses in its report, suppressions, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lib.template import Template
from tools.checkov import cli, runner
from tools.errors import ToolError
from tools.project import ROOT

FILE = "/stacks/tap/cdk.tf.json"
SUPPRESSED = {"reason": "a reason", "since": "2026-11"}
STACK = {
    "//": {"metadata": {"stackName": "tap"}},
    "resource": {
        "aws_s3_bucket": {
            "Data": {"//": {"suppressions": {"CKV_AWS_18": SUPPRESSED, "own": SUPPRESSED}}},
            "Other": {"//": {"suppressions": {"CKV_AWS_99": SUPPRESSED}}},
        }
    },
}
FAILED = [
    runner.Failure("tap", "aws_s3_bucket.Data", check, "title", "resource.Data", FILE)
    for check in ("CKV_AWS_18", "CKV_AWS_145")
]


def test_reported_names_are_resolved_to_addresses() -> None:
    assert runner.address(STACK, "resource.Data") == "aws_s3_bucket.Data"
    assert runner.address(STACK, "aws_s3_bucket.Data") == "aws_s3_bucket.Data"
    assert runner.address(STACK, "resource.Unknown") == "resource.Unknown"


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> list[Template]:
    """The stack, with a stub in place of checkov."""
    templates = [Template(STACK)]
    monkeypatch.setattr(runner, "failures", lambda _folder: (FAILED, 7))
    monkeypatch.setattr(cli, "synthesize", lambda _folder, _stacks: templates)
    monkeypatch.setattr(cli, "write_plans", lambda _folder: [])
    return templates


def test_suppressions_apply_and_those_without_effect_are_findings(
    stubbed: list[Template], tmp_path: Path
) -> None:
    result = runner.evaluate(tmp_path, stubbed)
    assert [(one.path, one.address, one.rule, one.fault) for one in result.findings] == [
        ("tap/Data", "aws_s3_bucket.Data", "CKV_AWS_145", "the check of checkov failed"),
        (
            *("tap/Other", "aws_s3_bucket.Other", "suppressions_have_reasons"),
            "suppresses CKV_AWS_99, which does not fail there",
        ),
    ]
    assert [one.check for one in result.suppressed] == ["CKV_AWS_18"]
    assert result.passed == 7


def test_command_prints_findings_and_writes_the_baseline(
    stubbed: list[Template], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "BASELINE", tmp_path / "local" / "baseline.json")
    result = CliRunner().invoke(cli.command, ["tap"])
    assert result.exit_code == 1
    assert "CKV_AWS_145" in result.output
    assert result.output.endswith("checkov: 7 checks passed, 1 suppressed, 2 failed\n")
    (file,) = json.loads(runner.BASELINE.read_text())["failed_checks"]
    assert file == {
        "file": "/stacks/tap/cdk.tf.json",
        "findings": [{"resource": "resource.Data", "check_ids": ["CKV_AWS_18"]}],
    }


def test_a_missing_program_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(runner, "CHECKOV", ROOT / "no-such-program")
    with pytest.raises(ToolError, match=r"received no program no-such-program; .* `make policy`"):
        runner.failures(tmp_path)


def test_reports_of_json_and_plans_are_merged(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def report(kind: str, file: str, resource: str) -> dict[str, object]:
        record = {"file_path": file, "resource": resource, "check_id": "CKV_AWS_18"}
        results = {
            "parsing_errors": [],
            "failed_checks": [record | {"check_name": "title"}],
            "passed_checks": [{}, {}],
        }
        return {"check_type": kind, "results": results}

    stack = tmp_path / "stacks" / "tap" / "cdk.tf.json"
    stack.parent.mkdir(parents=True)
    stack.write_text(json.dumps(STACK))
    (tmp_path / "plans").mkdir()
    reports = [
        report("terraform_json", "/stacks/tap/cdk.tf.json", "resource.Data"),
        report("terraform_plan", "/plans/tap.json", "aws_s3_bucket.Other"),
    ]
    program = tmp_path / "checkov"
    program.write_text(f"#!/bin/sh\ncat {tmp_path / 'report.json'}\n")
    program.chmod(0o755)
    monkeypatch.setattr(runner, "CHECKOV", program)
    (tmp_path / "report.json").write_text(json.dumps(reports))
    failed, passed = runner.failures(tmp_path)
    assert passed == 4
    assert [(one.stack, one.resource, one.file) for one in failed] == [
        ("tap", "aws_s3_bucket.Data", "/stacks/tap/cdk.tf.json"),
        ("tap", "aws_s3_bucket.Other", "/plans/tap.json"),
    ]
    # checkov prints one report instead of a list where it found no plan.
    (tmp_path / "report.json").write_text(json.dumps(reports[0]))
    with pytest.raises(ToolError, match="no report of each of terraform_json, terraform_plan"):
        runner.failures(tmp_path)
