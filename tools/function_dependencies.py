"""Installs the packages that the function's archive contains, once for each requirements.txt."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from lib.compute.packaging import DEPENDENCIES, PROJECT, REQUIREMENTS, dependencies_of

_PIP = (
    *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
    *("--require-hashes", "--no-deps", "--no-compile", "--only-binary", ":all:"),
)


def install(requirements: Path, dependencies: Path = DEPENDENCIES) -> Path:
    """Install the requirements into their folder, unless it exists; returns the folder.

    The complete folder is created by a rename, so that several processes can install at once.
    """
    folder = dependencies_of(requirements, dependencies)
    if folder.is_dir():
        return folder
    unfinished = folder.with_name(f"{os.getpid()}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        subprocess.run(
            [sys.executable, *_PIP, "--target", str(unfinished), "-r", str(requirements)],
            check=True,
        )
        if not folder.is_dir():
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


if __name__ == "__main__":
    install(PROJECT / "lambda" / REQUIREMENTS)
