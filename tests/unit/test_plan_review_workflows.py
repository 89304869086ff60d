"""The workflows that use the review, and its documentation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.drift.cli import DRIFT, NO_DRIFT
from tools.drift.report import MARKER as DRIFT_MARKER
from tools.plan_review import Level
from tools.plan_review.noise import KINDS
from tools.plan_review.reference import PAGE
from tools.plan_review.report import MARKER

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = [ROOT / ".github" / "workflows" / name for name in ("plan.yml", "drift.yml")]


def parsed(path: Path) -> dict[Any, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def jobs(path: Path) -> list[dict[str, Any]]:
    return list(parsed(path)["jobs"].values())


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_their_version(path: Path) -> None:
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert len(used) == sum("uses" in step for job in jobs(path) for step in job["steps"])
    for one in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_least_privilege_and_no_stored_credentials(path: Path) -> None:
    document = parsed(path)
    assert document["permissions"] == {}
    # YAML 1.1 reads the word "on" as true.
    assert "pull_request_target" not in document[True]
    needed = "pull-requests" if path.name == "plan.yml" else "issues"
    for job in jobs(path):
        assert job["permissions"] == {"contents": "read", "id-token": "write", needed: "write"}
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            # Values from outside reach scripts as variables, never as part of their text.
            assert "${{" not in step.get("run", "")
    text = path.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "aws-access-key-id" not in text
    assert "role-to-assume: ${{ vars.AWS_PLAN_ROLE_ARN }}" in text


def test_pull_requests_of_forks_get_no_credentials() -> None:
    (job,) = jobs(WORKFLOWS[0])
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert job["if"].startswith(f"{own} && ")
    assert "||" not in job["if"]


def test_the_workflow_identifies_its_own_comment() -> None:
    assert WORKFLOWS[0].read_text(encoding="utf-8").count(MARKER) == 2
    assert MARKER != DRIFT_MARKER


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_handle_every_exit_code(path: Path) -> None:
    script = "\n".join(step.get("run", "") for job in jobs(path) for step in job["steps"])
    accepted = re.findall(r"^ *([\d |]+)\)", script, re.MULTILINE)
    accepted += re.findall(r"in ([\d |]+)\)", script)
    codes = {int(code) for one in accepted for code in re.findall(r"\d+", one)}
    expected = {one.exit_code for one in Level} if path.name == "plan.yml" else {NO_DRIFT, DRIFT}
    assert codes == expected
    assert "*) exit 1 ;;" in script


def test_the_page_describes_every_kind_of_noise() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"**{kind}**" not in text] == []
