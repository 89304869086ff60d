"""The checkout of this project, which some tools require."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tools.errors import ToolError

ROOT = Path(__file__).resolve().parents[1]


def require_checkout(command: str, *, without: str = "") -> None:
    """Raise ToolError unless these tools are run from a checkout of the project.

    `without` is a form of the command that requires no checkout.
    """
    if not (ROOT / "cdktf.json").is_file():
        accepted = "a checkout of the project"
        remedy = f"Run `.venv/bin/python -m tools.cli {command}` there."
        if without:
            accepted = f"`{without}`, or {accepted}"
            remedy = f"Run `{without}`, or in a checkout `.venv/bin/python -m tools.cli {command}`."
        raise ToolError(
            f"{command}: received an installed package without the project's files; accepted:"
            f" {accepted}. {remedy}"
        )


def repository_files(project: Path = ROOT) -> list[Path]:
    """The files that Git tracks or would track. Raises `ToolError` outside a repository."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolError(
            f"project: received {project}, which is no Git repository; accepted: a clone. Clone the"
            " project with git, or name the files to check if the command accepts them."
        )
    names = [name for name in done.stdout.split("\0") if name]
    return [project / name for name in sorted(names) if (project / name).is_file()]
