"""The stacks on an emulated AWS: synthesized, deployed and destroyed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lib.synthesis import run_synthesis
from tools.emulator import ACCOUNT_ID, Emulator
from tools.local.progress import shown
from tools.project import ROOT
from tools.terraform import Processes, Workspace

STATE_BUCKET = "terraform-state-local"
STATE_STACK = "state"
_POLL_SECONDS = 0.5


class LocalDeployment:
    """The stacks on one emulator: synthesized, deployed and destroyed."""

    def __init__(
        self, emulator: Emulator, stacks: Sequence[str], folder: Path, settings: Mapping[str, str]
    ) -> None:
        self.emulator = emulator
        self.stacks = tuple(stacks)
        self.folder = folder
        self.outputs: dict[str, dict[str, Any]] = {}
        self.regions: dict[str, str] = {}
        # Variables with which other commands use this deployment.
        self.variables = {
            **settings,
            **emulator.environment(),
            "AWS_ACCOUNT_ID": ACCOUNT_ID,
            "STACKS": ",".join(stacks),
            "TERRAFORM_STATE_BUCKET": STATE_BUCKET,
            "TERRAFORM_STATE_BUCKET_REGION": emulator.region,
        }

    def synthesize(self) -> None:
        """Write Terraform's JSON; raises SynthesisError if a setting is invalid."""
        output = self.folder / "cdktf.out"
        run_synthesis(
            output, self.variables | {"STACKS": ",".join([STATE_STACK, *self.stacks])}, project=ROOT
        )
        for stack in [STATE_STACK, *self.stacks]:
            self.regions[stack] = _region(output / "stacks" / stack / "cdk.tf.json")

    def deploy(self) -> None:
        """Deploy all stacks at the same time, as soon as the state bucket can be used."""
        self._run("apply", [STATE_STACK, *self.stacks])

    def destroy(self) -> None:
        """Destroy all stacks, that of the state bucket last."""
        if self.stacks:
            self._run("destroy", self.stacks)
        self._run("destroy", [STATE_STACK])

    def _run(self, command: str, stacks: Sequence[str]) -> None:
        """Run a Terraform command for stacks at the same time.

        The first error and Ctrl-C stop the commands of all stacks.
        """
        processes = Processes()
        with (
            shown(f"terraform {command} {' '.join(stacks)}") as progress,
            ThreadPoolExecutor(len(stacks)) as pool,
        ):

            def run(stack: str) -> None:
                folder = self.folder / "cdktf.out" / "stacks" / stack
                workspace = Workspace(folder, self.variables, processes)
                if command == "apply":
                    if stack != STATE_STACK:
                        self._wait_for_bucket(processes)
                    workspace.init()
                workspace.stream(
                    command,
                    on_event=lambda event: progress.add(stack, event),
                    log=self.folder / f"{command}-{stack}.jsonl",
                )
                if command == "apply":
                    self.outputs[stack] = workspace.outputs()

            futures = [pool.submit(run, stack) for stack in stacks]
            try:
                for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                    future.result()
            except BaseException:
                processes.stop()
                raise

    def _wait_for_bucket(self, processes: Processes) -> None:
        """Wait until the state bucket has its policy and its versioning.

        The provider waits much longer, for a lifecycle rule, until the state's apply ends.
        """
        s3 = self.emulator.client("s3")
        while not processes.stopped.wait(_POLL_SECONDS):
            try:
                s3.get_bucket_policy(Bucket=STATE_BUCKET)
                versioning = s3.get_bucket_versioning(Bucket=STATE_BUCKET)
            except ClientError:
                continue
            if versioning.get("Status") == "Enabled":
                return


def _region(file: Path) -> str:
    (provider,) = json.loads(file.read_text(encoding="utf-8"))["provider"]["aws"]
    return str(provider["region"])
