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
    runner.Failure("tap", "aws_s3_bucket.Data", check, "title", "resource.Data")
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
    with pytest.raises(ToolError, match=r"received no program no-such-program; .* `make checkov`"):
        runner.failures(tmp_path)
