"""Deploys the stacks to an emulated AWS on this machine: ``make deploy-local``.

STACKS (default tap) are deployed side by side by the cdktf command line through the S3 backend,
into a bucket that the state stack makes first. What bastion and web cannot be without is made up
where the environment does not give it: a key, a domain and its hosted zone. With tap, the samples
go the whole way: bucket, queue, function, and a PostgreSQL server in Aurora's place. All stays up
until Ctrl-C, and what is uploaded meanwhile is processed; ONCE=1 destroys everything instead and
says what is left.
LOCAL_PORT (default 4566) is the emulator's port. Everything is kept under ``.local/PORT``; a real
deployment's ``cdktf.out`` and state are never touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools import terraform
from tools.emulator import Emulator, inventory
from tools.errors import ToolError
from tools.local.data_path import LocalDataPath
from tools.local.placeholders import LocalPlaceholders
from tools.local.progress import follow
from tools.project import ROOT
from tools.terraform import TerraformError, Workspace

CDKTF = ROOT / "node_modules" / ".bin" / "cdktf"
STATE_BUCKET = "terraform-state-local"
STATE_STACK = "state"


def _port() -> int:
    value = os.environ.get("LOCAL_PORT") or "4566"
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise ToolError(
            f"LOCAL_PORT: received {value!r}; accepted: a port number from 1 to 65535."
            " Correct it, or leave it out for 4566."
        )
    return int(value)


class LocalDeployment:
    """The stacks on one emulator: synthesized, deployed, tried out and destroyed again."""

    def __init__(
        self, emulator: Emulator, stacks: list[str], folder: Path, settings: dict[str, str]
    ) -> None:
        self.emulator = emulator
        self.stacks = stacks
        self.folder = folder
        self.outputs: dict[str, dict[str, Any]] = {}
        self.regions: dict[str, str] = {}
        # What somebody else's commands need to speak of this deployment.
        self.variables = {
            **emulator.environment(),
            "AWS_DEFAULT_REGION": emulator.region,
            **settings,
            "STACKS": ",".join(stacks),
            "TERRAFORM_STATE_BUCKET": STATE_BUCKET,
            "TERRAFORM_STATE_BUCKET_REGION": emulator.region,
        }
        self._environment: Mapping[str, str] = terraform.whole_environment(
            self.variables
            | {
                "STACKS": ",".join([STATE_STACK, *stacks]),
                "CDKTF_OUTDIR": str(folder / "cdktf.out"),
            }
        )

    def synthesize(self) -> None:
        """Write Terraform's JSON; wrong settings end here, with the message of the settings."""
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
            text = "\n".join(line.removeprefix("error: ") for line in told)
            raise ToolError(text or f"main.py ended with {done.returncode}:\n{done.stderr}")
        for stack in [STATE_STACK, *self.stacks]:
            file = self._folder_of(stack) / "cdk.tf.json"
            (provider,) = json.loads(file.read_text(encoding="utf-8"))["provider"]["aws"]
            self.regions[stack] = provider["region"]

    def deploy(self) -> None:
        """Deploy the state bucket, then the stacks side by side; remember their outputs."""
        self._cdktf("deploy", STATE_STACK)
        if not self.stacks:
            return
        for stack in self.stacks:
            # The plugin cache bears one init at a time; the CLI would run them all at once.
            try:
                Workspace(self._folder_of(stack), self._environment).init()
            except TerraformError as error:
                raise ToolError(f"init of {stack}: {error}") from error
        file = self.folder / "outputs.json"
        self._cdktf("deploy", *self.stacks, options=["--outputs-file", str(file)])
        self.outputs = json.loads(file.read_text(encoding="utf-8"))

    def destroy(self) -> None:
        """Destroy all that was deployed, the state bucket last."""
        if self.stacks:
            self._cdktf("destroy", *self.stacks)
        self._cdktf("destroy", STATE_STACK)

    def _folder_of(self, stack: str) -> Path:
        return self.folder / "cdktf.out" / "stacks" / stack

    def _cdktf(self, command: str, *stacks: str, options: Sequence[str] = ()) -> None:
        # The lock would be made for other platforms too, and for that asks the registry.
        lock = ["--skip-provider-lock"] if terraform.offline() else []
        output = str(self.folder / "cdktf.out")
        follow(
            f"cdktf {command} {' '.join(stacks)}",
            [
                *(str(CDKTF), command, *stacks, "--auto-approve", "--skip-synth"),
                *("--output", output, *lock, *options),
            ],
            folder=ROOT,
            environment=self._environment,
            log=self.folder / f"{command}-{'-'.join(stacks)}.log",
        )


def _how_to_use(deployment: LocalDeployment) -> str:
    file = deployment.folder / "environment.sh"
    lines = [f"export {name}={shlex.quote(v)}" for name, v in sorted(deployment.variables.items())]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    upload = "What you upload under incoming/ in the data bucket is processed at once.\n"
    return (
        f"\nThe emulated AWS stays up at {deployment.emulator.endpoint}. In another terminal:\n"
        f"  . {file.relative_to(ROOT)}   # its address, and the settings of this deployment\n"
        "  aws s3 ls                        # boto3 takes the same variables\n"
        "  make plan-review                 # what another deployment would change\n"
        "  make drift                       # what was changed meanwhile, outside Terraform\n"
        f"{upload if 'tap' in deployment.stacks else ''}"
        "Ctrl-C here ends it; nothing of it is kept."
    )


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _deploy_and_show(deployment: LocalDeployment) -> None:
    print(f"emulated AWS at {deployment.emulator.endpoint}; logs in {deployment.folder}")
    deployment.synthesize()
    deployment.deploy()
    for stack in deployment.stacks:
        outputs = deployment.outputs.get(stack, {})
        width = max(map(len, outputs), default=0)
        print(f"\noutputs of {stack}, in {deployment.regions[stack]}")
        for name, value in sorted(outputs.items()):
            print(f"  {name:<{width}}  {_shown(value)}")


def _process_samples(deployment: LocalDeployment) -> contextlib.ExitStack:
    """Send the samples through the data path; closing what is returned ends that path."""
    with contextlib.ExitStack() as stack:
        if "tap" in deployment.stacks:
            log = deployment.folder / "function.log"
            path = LocalDataPath(deployment.emulator, deployment.outputs["tap"], log)
            stack.enter_context(path)
            print(f"\n{path.description()}")
            path.process(sorted(one for one in (ROOT / "samples").iterdir() if one.is_file()))
        return stack.pop_all()


def _destroy_and_count(deployment: LocalDeployment, made_up: LocalPlaceholders) -> None:
    print("\ndestroying everything")
    deployment.destroy()
    made_up.close()
    emulator = deployment.emulator
    left = inventory(emulator.endpoint, emulator.region, *deployment.regions.values())
    if left:
        listed = "\n".join(f"  {one}" for one in left)
        raise ToolError(f"destroy: {len(left)} resources are left:\n{listed}")
    print("nothing is left")


def main() -> int:
    """Deploy, try out, and stay up or destroy; the exit code."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # Both end the same way, also where a shell started this with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    port = _port()
    terraform.binary()
    if not CDKTF.exists() or shutil.which("node") is None:
        raise ToolError("cdktf: its command line is not set up here. Run `make deploy-local`.")
    stacks = [name.strip() for name in (os.environ.get("STACKS") or "tap").split(",")]
    stacks = [name for name in dict.fromkeys(stacks) if name and name != STATE_STACK]
    once = os.environ.get("ONCE", "") not in ("", "0", "no", "false")
    region = os.environ.get("AWS_REGION") or "us-east-1"
    folder = ROOT / ".local" / str(port)
    started = time.monotonic()
    with Emulator(port=port, region=region, log_path=folder / "emulator.log") as emulator:
        # The port is ours now, so no other local deployment uses this folder.
        for path in folder.glob("*"):
            if path.name != "emulator.log":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        made_up = LocalPlaceholders(emulator, stacks, os.environ)
        deployment = LocalDeployment(emulator, stacks, folder, made_up.variables)
        for line in made_up.messages:
            print(line)
        _deploy_and_show(deployment)
        with _process_samples(deployment):
            if not once:
                print(_how_to_use(deployment), flush=True)
                with contextlib.suppress(KeyboardInterrupt):
                    threading.Event().wait()
                print("\nthe emulated AWS is gone")
                return 0
        _destroy_and_count(deployment, made_up)
        print(f"all done in {time.monotonic() - started:.0f} s")
    return 0
