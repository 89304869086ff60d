"""Shows that the way out of CDKTF is open: `python -m tools.cdktn`.

Every stack is synthesized twice, by this project and by a copy of it whose imports name CDK Terrain
(`cdktn`) and its provider bindings, and the Terraform JSON is compared. Differences are listed;
the exit code is 1 unless they are the toolchain's own (`EXPECTED`).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.checkov import environment
from tools.errors import ToolError, run
from tools.fork import FORK_CONTEXT, FORK_PACKAGES, ROOT, copy_under_fork, fork_python

# Differences that say which tool wrote the JSON, and change nothing that is deployed.
EXPECTED = (
    r"//\.metadata\.version: .*",
    # The short form means the same provider.
    r'terraform\.required_providers\.aws\.source: "aws" under cdktf, "hashicorp/aws" under cdktn',
)


def compare(ours: object, theirs: object, place: str = "") -> Iterator[str]:
    """Each place where two documents differ, with both values; places are joined by dots."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in sorted({*ours, *theirs}):
            inner = f"{place}.{name}" if place else name
            yield from compare(ours.get(name), theirs.get(name), inner)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from compare(one, other, f"{place}.{number}")
    elif ours != theirs:
        yield f"{place}: {json.dumps(ours)} under cdktf, {json.dumps(theirs)} under cdktn"


def expected(difference: str) -> bool:
    """Is a difference of `compare` one that says nothing about what is deployed?"""
    return any(re.fullmatch(pattern, difference) for pattern in EXPECTED)


def _synthesize(python: str, folder: Path, output: Path, more: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [python, "main.py"],
        cwd=folder,
        env=environment() | {"CDKTF_OUTDIR": str(output)} | more,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        told = "\n".join(done.stderr.strip().splitlines()[-20:])
        raise ToolError(f"synth in {folder.name}: main.py ended with {done.returncode}: {told}")
    files = sorted(output.glob("stacks/*/cdk.tf.json"))
    return {file.parent.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


def main() -> int:
    """Synthesize both ways and say what differs; 0 where nothing does that matters."""
    python = fork_python()
    with tempfile.TemporaryDirectory(prefix="cdktn-") as directory:
        scratch = Path(directory)
        ours = _synthesize(sys.executable, ROOT, scratch / "ours", {})
        copy = copy_under_fork(scratch / "fork")
        context = {"CDKTF_CONTEXT_JSON": json.dumps(FORK_CONTEXT)}
        theirs = _synthesize(python, copy, scratch / "theirs", context)
    matters = 0
    for stack in sorted({*ours, *theirs}):
        differences = list(compare(ours.get(stack), theirs.get(stack)))
        serious = [one for one in differences if not expected(one)]
        matters += len(serious)
        count = sum(len(named) for named in ours[stack]["resource"].values())
        notes = len(differences) - len(serious)
        verdict = f"{len(serious)} differences" if serious else "the same"
        print(
            f"{stack}: {count} resources, {verdict} (but for {notes} notes of which tool wrote it)"
        )
        for one in serious:
            print(f"  {one}")
    print(f"compared with {', '.join(FORK_PACKAGES)}")
    return 1 if matters else 0


if __name__ == "__main__":
    run(main)
