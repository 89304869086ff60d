"""Planning for a review changes and locks nothing, and leaves no plan file."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.plan_documents import synthesized
from tools import terraform
from tools.environment import account_variables
from tools.errors import ToolError
from tools.plan_review import planning
from tools.terraform import Workspace


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Workspace]:
    """Return a function that creates a workspace whose Terraform is a shell script."""

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
  show) echo '{"format_version": "1.2", "resource_changes": []}' ;;
esac
"""


def test_planning_locks_no_state_and_removes_the_plan_file(
    fake: Callable[[str], Workspace],
) -> None:
    workspace = fake(SHOWS)
    plan = planning.plan_stack(workspace, "unit", "-refresh-only")
    assert plan.name == "unit"
    calls = (workspace.folder / "calls").read_text().splitlines()
    assert "-lock=false" in calls[1]
    assert "-refresh-only" in calls[1]
    assert {path.name for path in workspace.folder.iterdir()} == {"calls", "cdk.tf.json"}


@pytest.mark.parametrize("fails", ["plan", "show"])
def test_the_plan_file_is_removed_after_an_error(
    fails: str, fake: Callable[[str], Workspace]
) -> None:
    workspace = fake(f'{SHOWS}\nif [ "$1" = {fails} ]; then echo "no credentials" >&2; exit 1; fi')
    with pytest.raises(ToolError, match=r"plan of unit: (?s:.*)no credentials"):
        planning.plan_stack(workspace, "unit")
    assert not list(workspace.folder.glob("*.tfplan"))


def test_errors_of_the_synthesis_are_reported_without_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ToolError, match=r"^ENVIRONMENT_SUFFIX: received 'WRONG'"):
        planning.synthesize(tmp_path / "out", {"ENVIRONMENT_SUFFIX": "WRONG"})


def test_only_aws_variables_configure_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "sandbox")
    assert account_variables()["AWS_PROFILE"] == "sandbox"
    assert "PATH" not in account_variables()
