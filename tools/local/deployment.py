"""Deploys the stacks to an emulated AWS on this machine: ``tap deploy-local``.

The stack `state` creates the bucket for the states; then Terraform applies all STACKS (default tap)
at the same time through the S3 backend. Settings without a default that the environment does not
set have placeholder values: an SSH key, a domain and its hosted zone. With tap, the sample files
are processed by the bucket, the queue, the function and a PostgreSQL server instead of Aurora. The
deployment runs until Ctrl-C and processes further uploads; with ONCE=1 everything is destroyed
instead, and remaining resources are listed. All files are in ``.local/PORT``; ``cdktf.out`` and the
states of real deployments are not used.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from lib.synthesis import run_synthesis
from tools import terraform
from tools.emulator import Emulator, inventory
from tools.errors import FAILED, ToolError
from tools.local.data_path import LocalDataPath
from tools.local.placeholders import LocalPlaceholders
from tools.local.progress import shown
from tools.project import ROOT
from tools.terraform import Processes, Workspace

STATE_BUCKET = "terraform-state-local"
STATE_STACK = "state"
_POLL_SECONDS = 0.5


def _port() -> int:
    value = os.environ.get("LOCAL_PORT") or "4566"
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise ToolError(
            f"LOCAL_PORT: received {value!r}; accepted: a port number from 1 to 65535."
            " Correct it, or unset it for 4566."
        )
    return int(value)


class LocalDeployment:
    """The stacks on one emulator: synthesized, deployed and destroyed."""

    def __init__(
        self, emulator: Emulator, stacks: Sequence[str], folder: Path, settings: dict[str, str]
    ) -> None:
        self.emulator = emulator
        self.stacks = tuple(stacks)
        self.folder = folder
        self.outputs: dict[str, dict[str, Any]] = {}
        self.regions: dict[str, str] = {}
        # Variables with which other commands use this deployment.
        self.variables = {
            **emulator.environment(),
            "AWS_DEFAULT_REGION": emulator.region,
            **settings,
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


def _instructions(deployment: LocalDeployment) -> str:
    """Write the variables of a deployment into a file; returns how to use it."""
    file = deployment.folder / "environment.sh"
    lines = [f"export {name}={shlex.quote(v)}" for name, v in sorted(deployment.variables.items())]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    upload = "Uploads to incoming/ in the data bucket are processed immediately.\n"
    return (
        f"\nThe emulated AWS runs at {deployment.emulator.endpoint}. In another terminal:\n"
        f"  . {file.relative_to(ROOT)}   # its address, and the settings of this deployment\n"
        "  aws s3 ls                        # boto3 reads the same variables\n"
        "  make plan-review                 # what another deployment would change\n"
        "  make drift                       # changes made outside Terraform\n"
        f"{upload if 'tap' in deployment.stacks else ''}"
        "Ctrl-C here stops it and removes everything."
    )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _deploy(deployment: LocalDeployment) -> None:
    print(f"emulated AWS at {deployment.emulator.endpoint}; logs in {deployment.folder}")
    deployment.synthesize()
    deployment.deploy()
    for stack in deployment.stacks:
        outputs = deployment.outputs.get(stack, {})
        width = max(map(len, outputs), default=0)
        print(f"\noutputs of {stack}, in {deployment.regions[stack]}")
        for name, value in sorted(outputs.items()):
            print(f"  {name:<{width}}  {_text(value)}")


def _process_samples(deployment: LocalDeployment) -> contextlib.ExitStack:
    """Process the sample files; closing the returned stack stops the data path."""
    with contextlib.ExitStack() as stack:
        if "tap" in deployment.stacks:
            log = deployment.folder / "function.log"
            path = LocalDataPath(deployment.emulator, deployment.outputs["tap"], log)
            stack.enter_context(path)
            print(f"\n{path.description()}")
            path.process(sorted(one for one in (ROOT / "samples").iterdir() if one.is_file()))
        return stack.pop_all()


def _destroy(deployment: LocalDeployment, placeholders: LocalPlaceholders) -> int:
    """Destroy everything; returns the exit code, 1 if resources remain."""
    print("\ndestroying everything")
    deployment.destroy()
    placeholders.close()
    emulator = deployment.emulator
    remaining = inventory(emulator.endpoint, emulator.region, *deployment.regions.values())
    if remaining:
        listed = "\n".join(f"  {one}" for one in remaining)
        print(f"{len(remaining)} resources remain:\n{listed}", file=sys.stderr)
        return FAILED
    print("no resources remain")
    return 0


def _empty(folder: Path, *, keep: str) -> None:
    for path in folder.glob("*"):
        if path.name != keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGINT and SIGTERM, also if the shell ignores SIGINT."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _wait_for_interrupt() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


def deploy_local() -> int:
    """Deploy, process the samples, and wait or destroy; returns the exit code."""
    port = _port()
    terraform.environment()
    stacks = [name.strip() for name in (os.environ.get("STACKS") or "tap").split(",")]
    stacks = [name for name in dict.fromkeys(stacks) if name and name != STATE_STACK]
    once = os.environ.get("ONCE", "") not in ("", "0", "no", "false")
    region = os.environ.get("AWS_REGION") or "us-east-1"
    folder = ROOT / ".local" / str(port)
    started = time.monotonic()
    with (
        _interruptible(),
        Emulator(port=port, region=region, log_path=folder / "emulator.log") as emulator,
    ):
        # This process has the port, so no other local deployment uses the folder.
        _empty(folder, keep="emulator.log")
        placeholders = LocalPlaceholders(emulator, stacks, os.environ)
        deployment = LocalDeployment(emulator, stacks, folder, placeholders.variables)
        for line in placeholders.messages:
            print(line)
        _deploy(deployment)
        with _process_samples(deployment):
            if not once:
                print(_instructions(deployment), flush=True)
                _wait_for_interrupt()
                print("\nthe emulated AWS has stopped")
                return 0
        code = _destroy(deployment, placeholders)
        print(f"finished in {time.monotonic() - started:.0f} s")
    return code
