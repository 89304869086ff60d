"""Synthesizes the stacks that STACKS names and has Terraform plan them, changing nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tools.errors import ToolError
from tools.plan_review.masking import Json
from tools.plan_review.reading import Plan, read
from tools.terraform import TerraformError, Workspace, whole_environment

ROOT = Path(__file__).resolve().parents[2]
PLAN_FILE = "review.tfplan"


def account_variables() -> dict[str, str]:
    """What the shell says of the AWS account, which Terraform is to be given."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder nobody else may read, gone at the end; also where this process is told to end."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        with tempfile.TemporaryDirectory(prefix="plan-review-") as name:
            yield Path(name)
    finally:
        signal.signal(signal.SIGTERM, before)


def synthesize(folder: Path, variables: Mapping[str, str]) -> list[str]:
    """Write Terraform's JSON into a folder; the stacks' names. ToolError says what was wrong."""
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=ROOT,
        env=whole_environment({**variables, "CDKTF_OUTDIR": str(folder)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        text = "\n".join(line.removeprefix("error: ") for line in told)
        raise ToolError(text or f"main.py ended with {done.returncode}:\n{done.stderr}")
    return sorted(path.parent.name for path in (folder / "stacks").glob("*/cdk.tf.json"))


def plan(workspace: Workspace, *options: str) -> dict[str, Json]:
    """Plan what lies in a folder, as the JSON of `terraform show`; the plan file is taken away.

    Nothing is locked, as nothing is written: a review must not hold up a deployment, and its role
    needs to read only.
    """
    file = workspace.folder / PLAN_FILE
    try:
        workspace.run(
            *("plan", "-no-color", "-input=false", "-lock=false", f"-out={PLAN_FILE}"), *options
        )
        document: dict[str, Json] = json.loads(workspace.run("show", "-json", PLAN_FILE))
    finally:
        file.unlink(missing_ok=True)
    return document


def plan_stack(workspace: Workspace, stack: str, *options: str) -> Plan:
    """Initialize and plan one stack's folder; ToolError with Terraform's words if it fails."""
    try:
        workspace.init()
        document = plan(workspace, *options)
    except TerraformError as error:
        raise ToolError(f"plan of {stack}: {error}") from error
    synthesized = json.loads((workspace.folder / "cdk.tf.json").read_text(encoding="utf-8"))
    return read(stack, document, synthesized)


def plans(*options: str, told: Callable[[str], None] = lambda _text: None) -> Sequence[Plan]:
    """Synthesize and plan every stack in STACKS (default tap), two at a time."""
    variables = account_variables()

    with _folder() as folder, ThreadPoolExecutor(2) as pool:

        def planned(stack: str) -> Plan:
            told(f"planning {stack}")
            return plan_stack(Workspace(folder / "stacks" / stack, variables), stack, *options)

        told("synthesizing")
        return list(pool.map(planned, synthesize(folder, variables)))
