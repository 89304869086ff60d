"""Runs zizmor, a static analysis of GitHub Actions, on the workflows of the repository.

A suppression is a comment of YAML in the lines of the finding, such as
`run: | # zizmor: ignore[RULE] why it does not apply`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lib.rules import Finding
from tools.policy.programs import FOLDER, run_json
from tools.policy.suppressions import Script
from tools.project import ROOT

PROGRAM = FOLDER / "zizmor" / "bin" / "zizmor"


def workflow_files(root: Path = ROOT) -> list[Path]:
    """The workflows, and the definitions of composite actions."""
    github = root / ".github"
    return sorted([*github.glob("workflows/*.y*ml"), *github.glob("actions/*/action.y*ml")])


def as_script(file: Path) -> Script:
    """A workflow with its path in the repository."""
    return Script("", str(file.relative_to(ROOT)), 1, file.read_text(encoding="utf-8"))


def lint(files: Sequence[Path], root: Path = ROOT) -> list[Finding]:
    """The findings of zizmor in workflows below `root`, without network access."""
    if not files:
        return []
    # The persona auditor reports everything, rules of style included.
    options = (
        "--offline",
        "--format",
        "json",
        "--persona",
        "auditor",
        "--no-exit-codes",
        "--quiet",
    )
    report = run_json(PROGRAM, *options, *files, cwd=root)
    return sorted(_finding(one, root) for one in report)


def _finding(result: dict[str, Any], root: Path) -> Finding:
    location = next(
        (one for one in result["locations"] if one["symbolic"]["kind"] == "Primary"),
        result["locations"][0],
    )
    path = Path(location["symbolic"]["key"]["Local"]["verbatim_path"])
    line = location["concrete"]["location"]["start_point"]["row"] + 1
    name = path.relative_to(root) if path.is_absolute() else path
    return Finding(
        *("", str(name), f"line {line}", f"zizmor {result['ident']}"),
        location["symbolic"]["annotation"],
        result["desc"],
        f"See {result['url']}",
    )
