"""Runs the programs of the policy gate, which the Makefile installs below .tools."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tools.errors import ToolError
from tools.project import ROOT

FOLDER = ROOT / ".tools"


def installed(program: Path) -> Path:
    """The program's path; raises ToolError if it is not installed."""
    if not program.exists():
        shown = program.relative_to(ROOT) if program.is_relative_to(ROOT) else program
        raise ToolError(
            f"{program.name}: received no program {shown}; accepted: the version that the Makefile"
            " pins. Run `make policy`, which installs it."
        )
    return program


def run_json(
    program: Path,
    *arguments: str | Path,
    cwd: Path = ROOT,
    given: str | None = None,
    variables: dict[str, str] | None = None,
) -> Any:  # noqa: ANN401
    """Run a program and return the JSON that it prints; its exit code is not evaluated.

    `given` is its standard input, `variables` are added to the environment. Raises ToolError with
    the end of its messages if it prints no JSON.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [installed(program), *arguments],
        cwd=cwd,
        env=environment | (variables or {}),
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        tail = "\n".join(done.stderr.splitlines()[-5:])
        raise ToolError(
            f"{program.name}: received no report (exit code {done.returncode}). {tail}"
        ) from error
