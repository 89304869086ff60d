"""The policy gate: GitHub workflows with zizmor, and all shell scripts with shellcheck."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.synthesis import Synthesizer
from tools.errors import ToolError
from tools.policy import programs, shell, suppressions, workflows
from tools.policy.suppressions import Script
from tools.project import ROOT

WORKFLOW = """\
name: test
on: push
permissions: {}
concurrency: {group: test, cancel-in-progress: true}
jobs:
  test:
    name: Test
    runs-on: ubuntu-24.04
    permissions: {}
    steps:
      - name: Print
        run: |
          set -e
          echo "${{ github.event.head_commit.message }}" $HOME
"""


def test_a_template_injection_in_a_workflow_is_a_finding(tmp_path: Path) -> None:
    file = tmp_path / ".github" / "workflows" / "test.yml"
    file.parent.mkdir(parents=True)
    file.write_text(WORKFLOW)
    found = workflows.lint(workflows.workflow_files(tmp_path), tmp_path)
    assert {(one.path, one.address, one.rule) for one in found} == {
        (".github/workflows/test.yml", "line 14", "zizmor template-injection")
    }
    file.write_text(WORKFLOW.replace("run: |", "run: | # zizmor: ignore[template-injection]"))
    assert workflows.lint([file], tmp_path) == []


def test_steps_of_workflows_are_scripts() -> None:
    (one,) = shell.steps(WORKFLOW)
    assert one == (13, 'set -e\necho "${{ github.event.head_commit.message }}" $HOME\n')
    assert list(shell.steps("jobs: {a: {steps: [{run: make test}]}}")) == [(1, "make test\n")]


def test_recipes_of_the_makefile_are_scripts() -> None:
    makefile = 'a: b\n\t@echo $(A) $$HOME \\\n\t  $$(cat $@)\n\nc:\n\t-rm $(if $(B),--x "$(B)")\n'
    assert list(shell.recipes(makefile)) == [
        (2, "echo value $HOME \\\n  $(cat value)\n"),
        (6, "rm value\n"),
    ]


def test_findings_name_the_line_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Title\n\n```sh\nset -e\nsource missing.sh\nrm $1\n```\n")
    (tmp_path / "script").write_text("#!/bin/bash\n\nrm $1\n")
    (tmp_path / "Makefile").write_text("a:\n\ttrue\n\trm $$HOME/$$(date)\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    found = shell.lint(shell.collect([], tmp_path))
    assert [(one.path, one.address, one.rule) for one in found] == [
        ("Makefile", "line 3", "SC2046"),
        ("Makefile", "line 3", "SC2086"),
        ("page.md", "line 6", "SC2086"),
        ("script", "line 3", "SC2086"),
    ]


def test_user_data_of_the_stacks_is_a_script(synth: Synthesizer) -> None:
    for stack, path in (("bastion", "bastion/Bastion"), ("web", "web/Fleet_UserData_")):
        template = synth(stack).copy()
        (script,) = shell.scripts_of_stack(template)
        assert script.path.startswith(path)
        assert "${aws_" not in script.text
        assert shell.lint([script]) == []
        (finding,) = shell.lint([script._replace(text=script.text + "rm $HOME/a\n")])
        assert (finding.stack, finding.rule) == (stack, "SC2086")


def test_every_kind_of_script_of_the_repository_is_found() -> None:
    found = {one.path for one in shell.collect([])}
    assert {".ci/run", ".github/workflows/plan.yml", "Makefile", "README.md"} <= found
    assert "docs/operations.md" in found


def test_suppressions_in_comments_require_a_reason() -> None:
    text = (
        "# shellcheck disable=SC2086 # the words are separate options\n"
        "# shellcheck disable=SC2046\n"
        "run: x # zizmor: ignore[template-injection] a reason\n"
    )
    found, count = suppressions.in_comments([Script("", "script", 5, text)])
    assert count == 3
    assert [(one.address, one.fault) for one in found] == [
        ("line 6", "suppresses SC2046 with the reason ''"),
        ("line 7", "suppresses template-injection with the reason 'a reason'"),
    ]


def test_missing_programs_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    message = r"received no program no-such-program; .* `make policy`"
    for module in (shell, workflows):
        monkeypatch.setattr(module, "PROGRAM", ROOT / "no-such-program")
    with pytest.raises(ToolError, match=message):
        shell.lint([Script("", "script", 1, "true\n")])
    with pytest.raises(ToolError, match=message):
        workflows.lint(workflows.workflow_files())


def test_a_program_without_a_report_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(ToolError, match=r"program: received no report \(exit code 3\). broken"):
        programs.run_json(program)
