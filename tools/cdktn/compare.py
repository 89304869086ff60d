"""Compares the JSON that CDKTF and CDK Terrain write for the same stacks."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lib.stacks import STACKS, placeholder_variables
from lib.synthesis import run_synthesis
from tools.cdktn.fork import FORK_CONTEXT, copy_under_fork, fork_python
from tools.environment import override
from tools.project import ROOT

# Differences that record which tool wrote the JSON and do not change what is deployed.
EXPECTED = (
    r"//\.metadata\.version: .*",
    # The short form names the same provider.
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


def is_expected(difference: str) -> bool:
    """Whether a difference of `compare` does not change what is deployed."""
    return any(re.fullmatch(pattern, difference) for pattern in EXPECTED)


def synthesize_both() -> tuple[dict[str, Any], dict[str, Any]]:
    """The documents of STACKS (default all) by stack name: under CDKTF, and under CDK Terrain.

    Settings without a default that the environment does not set have placeholder values.
    """
    variables = override(placeholder_variables() | {"STACKS": ",".join(STACKS)})
    python = fork_python()
    with tempfile.TemporaryDirectory(prefix="cdktn-") as directory:
        scratch = Path(directory)
        run_synthesis(scratch / "ours", variables, python=sys.executable, project=ROOT)
        run_synthesis(
            scratch / "theirs",
            variables | {"CDKTF_CONTEXT_JSON": json.dumps(FORK_CONTEXT)},
            python=python,
            project=copy_under_fork(scratch / "fork"),
        )
        return _documents(scratch / "ours"), _documents(scratch / "theirs")


def _documents(folder: Path) -> dict[str, Any]:
    files = sorted(folder.glob("stacks/*/cdk.tf.json"))
    return {file.parent.name: json.loads(file.read_text(encoding="utf-8")) for file in files}
