"""The commands `plan-review` and `drift`: input, output and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.support.plan_documents import change, document, plan, synthesized
from tools.drift import cli as drift_cli
from tools.plan_review import cli, planning
from tools.plan_review.model import Plan

ROOT = Path(__file__).resolve().parents[2]
CHANGES = {
    0: change("aws_sns_topic", None, {"name": "a"}),
    3: change("aws_nat_gateway", None, {"id": "a"}),
    1: change("aws_kms_key", {"id": "a"}, None),
}
HEADLINES = {0: "🟢 **safe**", 3: "🟡 **look**", 1: "🔴 **stop**"}


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli.command, arguments, input=stdin)


@pytest.fixture
def plan_file(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a plan with some changes into a file."""

    def write(*changes: dict[str, Any]) -> str:
        file = tmp_path / "network.json"
        file.write_text(json.dumps(document(*changes)))
        return str(file)

    return write


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets the plans of the stacks."""

    def use(*found: Plan) -> None:
        def plan_stacks(*_options: str, **_more: Any) -> list[Plan]:
            return list(found)

        monkeypatch.setattr(planning, "plan_stacks", plan_stacks)
        monkeypatch.setattr(drift_cli, "plan_stacks", plan_stacks)

    return use


@pytest.mark.parametrize("code", CHANGES)
def test_the_verdict_is_the_exit_code(code: int, plan_file: Callable[..., str]) -> None:
    result = run(plan_file(CHANGES[code]))
    assert result.exit_code == code
    assert result.stdout.startswith(HEADLINES[code])
    assert "| `network` |" in result.stdout


def test_a_plan_is_read_from_standard_input() -> None:
    result = run("-", stdin=json.dumps(document(CHANGES[3])).encode())
    assert result.exit_code == 3
    assert "| `plan` |" in result.stdout


def test_the_source_adds_construct_paths(tmp_path: Path, plan_file: Callable[..., str]) -> None:
    source = tmp_path / "cdk.tf.json"
    source.write_text(json.dumps(synthesized(CHANGES[1])))
    assert "(`unit/Thing`)" in run(plan_file(CHANGES[1]), "--source", str(source)).stdout
    assert "(`aws_kms_key.Thing_Resource`)" in run(plan_file(CHANGES[1])).stdout


@pytest.mark.parametrize("code", CHANGES)
def test_without_a_plan_the_stacks_are_planned(code: int, planned: Callable[..., None]) -> None:
    planned(plan(CHANGES[code]))
    result = run()
    assert result.exit_code == code
    assert result.stdout.startswith(HEADLINES[code])


def test_reports_are_written_into_files(tmp_path: Path, plan_file: Callable[..., str]) -> None:
    short, full = tmp_path / "short.md", tmp_path / "full.md"
    result = run(plan_file(CHANGES[3]), "--output", str(short), "--full", str(full))
    assert result.exit_code == 3
    assert short.read_text() == full.read_text()
    assert (result.stdout, result.stderr) == ("", short.read_text().partition("\n")[0] + "\n")


# ---- invalid input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "received"),
    [
        (b"", "a file that is not JSON"),
        (b"PK\x03\x04", "a binary plan file or another zip archive"),
        (b"\xff\xfe{", "a file that is not JSON"),
        (b'{"format_version": "1.2"}{}', "a file that is not JSON"),
        (b"[1]", "a list instead of an object"),
        (b"null", "null instead of an object"),
        (b"{}", "format_version '' instead of 1.x"),
        (b"[" * 200_000, "a file that is not JSON"),
        (b'{"format_version": "1.2", "resource_changes": 1}', "a number at `resource_changes`"),
    ],
)
def test_a_file_that_is_no_plan_is_one_error(content: bytes, received: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    result = run(str(file))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: plan ")
    assert f"received {received}" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json", "a\0b"):
        result = run(str(path))
        assert result.exit_code == 2
        assert "received a file that cannot be read" in result.stderr


def test_a_source_without_a_plan_is_an_error(tmp_path: Path) -> None:
    result = run("--source", str(tmp_path / "cdk.tf.json"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --source: received a file without PLAN")


def test_a_report_that_cannot_be_written_is_an_error(
    tmp_path: Path, plan_file: Callable[..., str]
) -> None:
    result = run(plan_file(CHANGES[0]), "--output", str(tmp_path / "none" / "r.md"))
    assert result.exit_code == 2
    assert "which cannot be written" in result.stderr


def test_an_unknown_option_is_an_error() -> None:
    result = run("--nothing")
    assert result.exit_code == 2
    assert "No such option" in result.stderr


# ---- a process of its own -----------------------------------------------------------------------


def test_text_that_is_not_valid_unicode_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    entry = change("aws_x", {"a": "b"}, {"a": "\ud800 \U0001f600"})
    file.write_text(json.dumps(document(entry)), encoding="ascii")
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "tools.plan_review", str(file)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\N{REPLACEMENT CHARACTER} \U0001f600".encode() in done.stdout


PROGRAM = """
import sys
from tools.plan_review.cli import command
try:
    command([sys.argv[1]])
except SystemExit as end:
    heavy = {"cdktf", "cdktf_cdktf_provider_aws", "jsii", "moto", "boto3", "botocore", "pydantic"}
    print(sorted(heavy & {*sys.modules}), end.code, file=sys.stderr)
"""


def test_reviewing_a_file_requires_neither_bindings_nor_node_nor_aws_clients(
    plan_file: Callable[..., str],
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, plan_file(CHANGES[1])],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "[] 1\n"


# ---- drift --------------------------------------------------------------------------------------


class NoEvents:
    """An event history without access to CloudTrail."""

    unavailable = "CloudTrail events are not available: the lookup failed."

    def events(self, *_arguments: object) -> list[Any]:
        return []


def test_drift_is_exit_code_1(
    planned: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift_cli, "EventHistory", NoEvents)
    moved = change("aws_cloudwatch_log_group", {"retention_in_days": 9}, {"retention_in_days": 1})
    planned(plan(resource_drift=[moved]))
    result = CliRunner().invoke(drift_cli.command, [])
    assert result.exit_code == 1
    assert "retention_in_days: 9 → 1" in result.stdout
    assert NoEvents.unavailable in result.stdout
    planned(plan())
    result = CliRunner().invoke(drift_cli.command, [])
    assert result.exit_code == 0
    assert result.stdout.startswith("🟢 **no drift**")
