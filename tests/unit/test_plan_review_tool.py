"""The command line of review and drift: exit codes, files, and that no plan file is left."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.plan_documents import change, plan, synthesized
from tools import terraform
from tools.drift import __main__ as drift
from tools.errors import ToolError
from tools.plan_review import __main__ as tool
from tools.plan_review import planning, read
from tools.plan_review.command import guarded
from tools.plan_review.reading import Action, Plan, action
from tools.terraform import Workspace

CHANGES = {
    0: change("aws_sns_topic", None, {"name": "a"}),
    2: change("aws_nat_gateway", None, {"id": "a"}),
    3: change("aws_kms_key", {"id": "a"}, None),
}


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`planned(plan)`: what Terraform would have planned."""

    def use(*found: Plan) -> None:
        def plans(*_options: str, **_more: Any) -> list[Plan]:
            return list(found)

        monkeypatch.setattr(tool, "plans", plans)
        monkeypatch.setattr(drift, "plans", plans)

    return use


@pytest.mark.parametrize("code", CHANGES)
def test_the_verdict_is_the_exit_code(
    code: int, planned: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    planned(plan(CHANGES[code]))
    assert tool.main([]) == code
    signs = {0: "🟢 **safe**", 2: "🟡 **look**", 3: "🔴 **stop**"}
    assert capsys.readouterr().out.startswith(signs[code])


def test_reports_go_into_files(
    tmp_path: Path, planned: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    planned(plan(CHANGES[2]))
    short, full = tmp_path / "short.md", tmp_path / "full.md"
    assert tool.main(["--output", str(short), "--full", str(full)]) == 2
    assert short.read_text() == full.read_text()
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", short.read_text().partition("\n")[0] + "\n")


def test_a_file_that_cannot_be_written_is_told(
    tmp_path: Path, planned: Callable[..., None]
) -> None:
    planned(plan(CHANGES[0]))
    with pytest.raises(ToolError, match=r"report: received '.*none/r.md', which cannot be written"):
        tool.main(["--output", str(tmp_path / "none" / "r.md")])


def test_wrong_arguments_end_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        tool.main(["--nothing"])
    assert ended.value.code == 1
    assert "unrecognized arguments: --nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code"), [(ToolError("field: this"), 1), (KeyboardInterrupt(), 130)]
)
def test_what_fails_is_never_taken_for_a_verdict(
    raised: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> int:
        raise raised

    with pytest.raises(SystemExit) as ended:
        guarded(fails)
    assert ended.value.code == code
    assert capsys.readouterr().err in ("error: field: this\n", "interrupted\n")


def test_drift_ends_with_2_and_without_it_with_0(
    planned: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Silent:
        silence = "CloudTrail does not say who did it: it was not asked."

        def deeds(self, *_given: object) -> list[Any]:
            return []

    monkeypatch.setattr(drift, "Trail", Silent)
    moved = change("aws_cloudwatch_log_group", {"retention_in_days": 9}, {"retention_in_days": 1})
    planned(plan(resource_drift=[moved]))
    assert drift.main([]) == 2
    assert "retention_in_days: 9 → 1" in capsys.readouterr().out
    planned(plan())
    assert drift.main([]) == 0
    assert capsys.readouterr().out.startswith("🟢 **no drift**")


# ---- planning -----------------------------------------------------------------------------------


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Workspace]:
    """`fake(script)`: a folder in which that shell script plays Terraform."""

    def use(script: str) -> Workspace:
        program = tmp_path / "terraform"
        program.write_text(f'#!/bin/sh\necho "$@" >> calls\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        found = terraform.Binary(str(program), (1, 11, 0), is_opentofu=False)
        monkeypatch.setattr(terraform, "binary", lambda: found)
        monkeypatch.setattr(terraform, "environment", dict)
        folder = tmp_path / "stack"
        folder.mkdir()
        (folder / "cdk.tf.json").write_text(json.dumps(synthesized()))
        return Workspace(folder)

    return use


SHOWS = """
case "$1" in
  plan) echo secret > review.tfplan ;;
  show) echo '{"format_version": "1.2"}' ;;
esac
"""


def test_a_plan_locks_nothing_and_leaves_no_file(fake: Callable[[str], Workspace]) -> None:
    workspace = fake(SHOWS)
    found = planning.plan_stack(workspace, "unit", "-refresh-only")
    assert found.stack == "unit"
    calls = (workspace.folder / "calls").read_text().splitlines()
    assert "-lock=false" in calls[1]
    assert "-refresh-only" in calls[1]
    assert {path.name for path in workspace.folder.iterdir()} == {"calls", "cdk.tf.json"}


@pytest.mark.parametrize("fails", ["plan", "show"])
def test_a_failed_plan_leaves_no_file_either(fails: str, fake: Callable[[str], Workspace]) -> None:
    workspace = fake(f'{SHOWS}\nif [ "$1" = {fails} ]; then echo "it is so" >&2; exit 1; fi')
    with pytest.raises(ToolError, match=r"plan of unit: (?s:.*)it is so"):
        planning.plan_stack(workspace, "unit")
    assert not list(workspace.folder.glob("*.tfplan"))


def test_wrong_settings_are_told_as_the_settings_tell_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "whole_environment", lambda extra: {**os.environ, **extra})
    with pytest.raises(ToolError, match=r"^ENVIRONMENT_SUFFIX: received 'WRONG'"):
        planning.synthesize(tmp_path / "out", {"ENVIRONMENT_SUFFIX": "WRONG"})


def test_the_account_is_the_shells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert planning.account_variables()["AWS_PROFILE"] == "mine"
    assert "PATH" not in planning.account_variables()


# ---- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["no-op"], Action.NONE),
        (["read"], Action.READ),
        (["create"], Action.CREATE),
        (["update"], Action.UPDATE),
        (["delete"], Action.DELETE),
        (["forget"], Action.FORGET),
        (["delete", "create"], Action.REPLACE),
        (["create", "delete"], Action.REPLACE),
        (["create", "forget"], Action.REPLACE),
    ],
)
def test_terraforms_actions(names: list[str], expected: Action) -> None:
    assert action(names) is expected


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "received format_version ''; accepted: a plan of format 1"),
        ({"format_version": "2.0"}, r"received format_version '2\.0'"),
        ({"format_version": "1.2", "errored": True}, "received a failed plan"),
    ],
)
def test_what_is_no_plan_is_told(document: dict[str, Any], told: str) -> None:
    with pytest.raises(ToolError, match=told):
        read("unit", document, {})


def test_what_left_the_code_is_named_by_its_address() -> None:
    gone = change("aws_s3_bucket", {"id": "a"}, None, name="Storage_Data_0A1B2C3D")
    (found,) = plan(gone, document={"resource": {}}).changes
    assert (found.path, found.construct) == ("unit/Storage/Data", "unit/Storage")


def test_data_sources_are_no_changes_and_what_was_left_over_is_one() -> None:
    source = change("aws_ami", None, {"id": "a"}) | {"mode": "data"}
    deposed = change("aws_s3_bucket", {"id": "a"}, None) | {"deposed": "0a1b"}
    assert plan(source).changes == ()
    assert [one.action for one in plan(deposed).changes] == [Action.DELETE]
