"""Deploys one revision to the emulator and plans the current one against that deployment."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from lib.stacks import STACKS, placeholder_variables
from tools.emulator import Emulator
from tools.environment import override
from tools.errors import ToolError
from tools.local.placeholders import LocalPlaceholders
from tools.local.progress import Progress, shown
from tools.project import ROOT
from tools.terraform import Processes, Workspace
from tools.upgrade_check.changes import Change, backends_differ, changes
from tools.upgrade_check.revision import export, stack_names, synthesize

_DOCUMENT = "cdk.tf.json"
_STATE = "terraform.tfstate"
_PLAN = "upgrade.tfplan"


def check(base: str, names: tuple[str, ...], folder: Path) -> Iterator[tuple[str, list[Change]]]:
    """The changes of each stack that exists at revision `base`, in a deployment of that revision.

    A different backend is a change `replace` of `terraform.backend`. The states are local files,
    so that no state bucket is required.
    """
    project = export(base, folder / "project")
    present = [name for name in stack_names(project) if name in (names or STACKS)]
    if not present:
        raise ToolError(
            f"--stack: received {', '.join(names)}; accepted: stacks that exist at {base}."
            " Choose an older stack or a newer revision."
        )
    with Emulator(log_path=folder / "emulator.log") as emulator:
        placeholders = LocalPlaceholders(emulator, present, os.environ)
        variables = (
            emulator.environment()
            | override(placeholder_variables(present))
            | placeholders.variables
            | {"STACKS": ",".join(present)}
        )
        before, after = folder / "base", folder / "current"
        synthesize(project, before, variables)
        synthesize(ROOT, after, variables)
        documents = {
            name: [_without_backend(one / "stacks" / name) for one in (before, after)]
            for name in present
        }
        processes = Processes()
        with (
            shown(f"applying {base}, planning the current revision") as progress,
            ThreadPoolExecutor(len(present)) as pool,
        ):
            futures = {
                name: pool.submit(_upgrade, name, folder, variables, processes, progress)
                for name in present
            }
            try:
                for future in wait(futures.values(), return_when=FIRST_EXCEPTION).done:
                    future.result()
            except BaseException:
                processes.stop()
                raise
    for name in present:
        found = list(changes(futures[name].result()))
        if backends_differ(*documents[name]):
            found.append(Change("replace", "terraform.backend"))
        yield name, found


def _without_backend(folder: Path) -> dict[str, Any]:
    """Remove the backend from a synthesized stack; returns the document as it was."""
    file = folder / _DOCUMENT
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    local = {**document, "terraform": {**document["terraform"]}}
    local["terraform"].pop("backend", None)
    file.write_text(json.dumps(local), encoding="utf-8")
    return document


def _upgrade(
    name: str,
    folder: Path,
    variables: Mapping[str, str],
    processes: Processes,
    progress: Progress,
) -> dict[str, Any]:
    """Apply the base JSON of a stack and plan the current JSON; returns the plan as JSON."""
    before, after = (
        Workspace(folder / kind / "stacks" / name, variables, processes)
        for kind in ("base", "current")
    )
    before.init()
    before.stream("apply", on_event=lambda event: progress.add(name, event))
    shutil.copy(before.folder / _STATE, after.folder)
    after.init()
    after.stream("plan", f"-out={_PLAN}")
    plan: dict[str, Any] = json.loads(after.run("show", "-json", _PLAN))
    return plan
