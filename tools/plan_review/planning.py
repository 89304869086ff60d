"""Synthesizes the stacks in STACKS and plans them with Terraform. Nothing is changed or locked."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from lib.synthesis import SynthesisError, run_synthesis
from tools.environment import account_variables
from tools.errors import ToolError
from tools.plan_review.model import Plan
from tools.plan_review.reader import read
from tools.plan_review.values import Json
from tools.terraform import TerraformError, Workspace

PLAN_FILE = "review.tfplan"


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Create a folder that only this user can read; it is removed also after SIGTERM."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="plan-review-") as name:
            yield Path(name)
    finally:
        signal.signal(signal.SIGTERM, before)


def synthesize(folder: Path, variables: Mapping[str, str]) -> list[str]:
    """Write the JSON of the stacks in STACKS into a folder and return the names of the stacks.

    Raises ToolError with the messages of the synthesis.
    """
    try:
        run_synthesis(folder, variables)
    except SynthesisError as error:
        raise ToolError(str(error)) from error
    return sorted(path.parent.name for path in (folder / "stacks").glob("*/cdk.tf.json"))


def plan(workspace: Workspace, *options: str) -> dict[str, Json]:
    """Plan the stack in a folder and return the document of `terraform show -json`.

    The plan file, which contains secrets, is removed. The state is not locked, because it is not
    written: a review must not block a deployment, and its role requires read access only.
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
    """Initialize the folder of a stack and plan it; ToolError has the output of Terraform."""
    try:
        workspace.init()
        document = plan(workspace, *options)
    except TerraformError as error:
        raise ToolError(f"plan of {stack}: {error}") from error
    source = json.loads((workspace.folder / "cdk.tf.json").read_text(encoding="utf-8"))
    return read(document, source, name=stack)


def plan_stacks(*options: str, log: Callable[[str], None] = lambda _text: None) -> Sequence[Plan]:
    """Synthesize and plan the stacks in STACKS (default tap), two at a time.

    `options` are options of `terraform plan`; `log` receives progress messages.
    """
    variables = account_variables()

    with _private_folder() as folder, ThreadPoolExecutor(2) as pool:

        def planned(stack: str) -> Plan:
            log(f"planning {stack}")
            return plan_stack(Workspace(folder / "stacks" / stack, variables), stack, *options)

        log("synthesizing")
        return list(pool.map(planned, synthesize(folder, variables)))
