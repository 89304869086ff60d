"""The course of a local deployment: ``tap deploy-local``.

The settings are validated and PostgreSQL is started once before anything else. The stack `state`
creates the bucket for the states; then Terraform applies all STACKS (default tap) at the same time
through the S3 backend. Settings without a default that the environment does not set have
placeholder values: an SSH key, a domain and its hosted zone. With tap, the sample files are
processed by the bucket, the queue, the function and PostgreSQL instead of Aurora. The deployment
runs until Ctrl-C and processes further uploads; with ONCE=1 everything is destroyed instead, and
remaining resources are listed. All files are in ``.local/PORT``; ``cdktf.out`` and the states of
real deployments are not used.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from lib.settings import Settings, load_settings, setting_variables
from lib.stacks import placeholder_variables
from tools import terraform
from tools.emulator import Emulator, inventory
from tools.errors import FAILED, ToolError
from tools.local.data_path import LocalDataPath
from tools.local.deployment import STATE_BUCKET, STATE_STACK, LocalDeployment
from tools.local.environment_file import write_environment_file
from tools.local.placeholders import LocalPlaceholders
from tools.postgres import PostgresServer
from tools.project import ROOT


def deploy_local() -> int:
    """Deploy, process the samples, and wait or destroy; returns the exit code."""
    port = _port()
    terraform.environment()
    settings = _settings()
    folder = ROOT / ".local" / str(port)
    once = os.environ.get("ONCE", "") not in ("", "0", "no", "false")
    emulator = Emulator(port=port, region=settings.aws_region, log_path=folder / "emulator.log")
    with _interruptible(), emulator, _ends_with(emulator):
        # This process has the port, so no other local deployment uses the folder.
        _empty(folder, keep="emulator.log")
        return _deploy(emulator, settings, folder, once=once)


def _port() -> int:
    value = os.environ.get("LOCAL_PORT") or "4566"
    if not value.isdigit() or not 0 < int(value) < 65536:
        raise ToolError(
            f"LOCAL_PORT: received {value!r}; accepted: a port number from 1 to 65535."
            " Correct it, or unset it for 4566."
        )
    return int(value)


def _settings() -> Settings:
    """The settings of the environment, with placeholders for those without a default."""
    given = {**placeholder_variables(), **setting_variables(os.environ)}
    return load_settings({**given, "TERRAFORM_STATE_BUCKET": STATE_BUCKET})


def _deploy(emulator: Emulator, settings: Settings, folder: Path, *, once: bool) -> int:
    started = time.monotonic()
    stacks = [name for name in dict.fromkeys(settings.stacks) if name != STATE_STACK]
    with contextlib.ExitStack() as running:
        if "tap" in stacks:
            # Before minutes of deployment: installs PostgreSQL if necessary, and starts it once.
            with PostgresServer():
                pass
        placeholders = LocalPlaceholders(emulator, stacks, os.environ)
        for line in placeholders.messages:
            print(line)
        variables = {
            **setting_variables(os.environ),
            **placeholders.variables,
            "ENVIRONMENT_SUFFIX": settings.environment_suffix,
        }
        deployment = LocalDeployment(emulator, stacks, folder, variables)
        _apply(deployment)
        if "tap" in stacks:
            running.enter_context(_data_path(deployment))
        if not once:
            print(_instructions(deployment), flush=True)
            _wait_for_interrupt()
            emulator.require_running()
            print("\nthe emulated AWS has stopped")
            return 0
    code = _destroy(deployment, placeholders)
    print(f"finished in {time.monotonic() - started:.0f} s")
    return code


def _apply(deployment: LocalDeployment) -> None:
    print(f"emulated AWS at {deployment.emulator.endpoint}; logs in {deployment.folder}")
    deployment.synthesize()
    deployment.deploy()
    for stack in deployment.stacks:
        outputs = deployment.outputs.get(stack, {})
        width = max(map(len, outputs), default=0)
        print(f"\noutputs of {stack}, in {deployment.regions[stack]}")
        for name, value in sorted(outputs.items()):
            print(f"  {name:<{width}}  {_text(value)}")


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@contextlib.contextmanager
def _data_path(deployment: LocalDeployment) -> Iterator[None]:
    """Process the sample files, and further uploads during the block."""
    log = deployment.folder / "function.log"
    with LocalDataPath(deployment.emulator, deployment.outputs["tap"], log) as path:
        print(f"\n{path.description()}")
        path.process(sorted(one for one in (ROOT / "samples").iterdir() if one.is_file()))
        yield


def _instructions(deployment: LocalDeployment) -> str:
    """Write the variables of a deployment into a file; returns how to use it."""
    file = deployment.folder / "environment.sh"
    write_environment_file(file, deployment.variables)
    upload = "Uploads to incoming/ in the data bucket are processed immediately.\n"
    return (
        f"\nThe emulated AWS runs at {deployment.emulator.endpoint}. In another terminal:\n"
        f"  . {file.relative_to(ROOT)}   # its address, and the settings of this deployment\n"
        "  aws s3 ls                        # boto3 reads the same variables\n"
        "  make plan-review                 # what another deployment would change\n"
        "  make drift                       # changes made outside Terraform\n"
        "  make verify-aws                  # what can be verified of an emulated deployment\n"
        f"{upload if 'tap' in deployment.stacks else ''}"
        "Ctrl-C here stops it and removes everything."
    )


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


@contextlib.contextmanager
def _ends_with(emulator: Emulator) -> Iterator[None]:
    """Interrupt the block when the emulator's process ends, and raise EmulatorError.

    Without an emulator Terraform and boto3 would repeat their requests for minutes, and the wait
    for Ctrl-C would not end.
    """
    main, finished = threading.get_ident(), threading.Event()

    def interrupt() -> None:
        emulator.wait()
        if not finished.is_set():
            signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        yield
    except (KeyboardInterrupt, Exception):
        emulator.require_running()
        raise
    finally:
        finished.set()


def _wait_for_interrupt() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
