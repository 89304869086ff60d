"""The scripts in `examples/`, run as a user of the constructs runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lib.synthesis import PROJECT

EXAMPLES = sorted((PROJECT / "examples").glob("*.py"))


def synthesize(script: Path, folder: Path, **variables: str) -> Path:
    """Run an example in a folder; returns the folder of its stack."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT)} | variables
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("cdktf.out/stacks/*/cdk.tf.json")
    return file.parent
