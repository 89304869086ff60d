"""Synthesizes the stacks of another revision of the repository."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from lib.synthesis import run_synthesis
from tools.errors import ToolError
from tools.function_dependencies import install
from tools.project import ROOT

# Installed files that synthesis reads; another revision reads those of this checkout.
SHARED = (".build", "node_modules")


def export(revision: str, folder: Path) -> Path:
    """Write the files of a revision into a new folder and return the folder.

    Raises ToolError if the revision does not exist.
    """
    done = subprocess.run(
        ["git", "archive", "--format=tar", revision], cwd=ROOT, capture_output=True, check=False
    )
    if done.returncode != 0:
        raise ToolError(
            f"BASE: received {revision!r} ({done.stderr.decode().strip()}); accepted: a revision"
            " of this repository. Choose a commit, a branch or a tag that `git log` shows."
        )
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    for name in SHARED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    requirements = folder / "lambda" / "requirements.txt"
    if requirements.is_file():
        install(requirements)
    return folder


def stack_names(project: Path) -> list[str]:
    """The names of the stacks that the files in a folder define."""
    code = "from lib.stacks import STACKS; print(*STACKS)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ToolError(f"BASE: its lib/stacks.py cannot be imported:\n{done.stderr.strip()}")
    return done.stdout.split()


def synthesize(project: Path, output: Path, variables: Mapping[str, str]) -> None:
    """Synthesize the stacks in `variables["STACKS"]` with the files in a folder."""
    run_synthesis(output, variables, project=project)
