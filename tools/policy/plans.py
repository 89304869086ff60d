"""Plans synthesized stacks with Terraform on an empty emulated account, for checks of plans."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.emulator import Emulator
from tools.plan_review.planning import plan
from tools.terraform import Processes, TerraformError, Workspace, use_local_state

FOLDER = "plans"


def write_plans(folder: Path) -> list[Path]:
    """Plan each stack in `folder/stacks`; returns the files `folder/plans/STACK.json`.

    The plans are those of `terraform show -json`, in an account without resources. They contain the
    defaults of the provider and of its schema, which the synthesized JSON lacks. The synthesized
    JSON is not changed. Raises ToolError if Terraform or the provider is missing, or if a plan
    fails.
    """
    (folder / FOLDER).mkdir()
    stacks = sorted(path.name for path in (folder / "stacks").iterdir())
    processes = Processes()
    with tempfile.TemporaryDirectory(prefix="policy-") as place, Emulator() as emulator:
        copy = Path(place) / "stacks"
        shutil.copytree(folder / "stacks", copy)

        def planned(stack: str) -> Path:
            text = _plan(copy / stack, emulator.environment(), processes)
            file = folder / FOLDER / f"{stack}.json"
            file.write_text(text, encoding="utf-8")
            return file

        with ThreadPoolExecutor(2) as pool:
            try:
                return list(pool.map(planned, stacks))
            except BaseException:
                processes.stop()
                raise


def _plan(folder: Path, variables: Mapping[str, str], processes: Processes) -> str:
    use_local_state(folder)
    _accept_any_account(folder / "cdk.tf.json")
    workspace = Workspace(folder, variables, processes)
    try:
        workspace.init()
        return json.dumps(plan(workspace))
    except TerraformError as error:
        raise TerraformError(f"plan of {folder.name} on the emulator: {error}") from error


def _accept_any_account(file: Path) -> None:
    """Remove the ids of the accounts that the providers accept: the emulator has its own id."""
    document = json.loads(file.read_text(encoding="utf-8"))
    for provider in document.get("provider", {}).get("aws", ()):
        provider.pop("allowed_account_ids", None)
    file.write_text(json.dumps(document), encoding="utf-8")
