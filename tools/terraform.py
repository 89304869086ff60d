"""Runs Terraform or OpenTofu on a synthesized stack."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.errors import ToolError
from tools.project import ROOT
from tools.providers.mirror import (
    OPENTOFU_HOST,
    TERRAFORM_HOST,
    registry_reachable,
    user_configuration,
    write_offline_configuration,
)

MINIMUM_VERSION = (1, 11)
FOLDER = ROOT / ".local" / "terraform"
_STOP_SECONDS = 10


@dataclass(frozen=True)
class Binary:
    """The Terraform or OpenTofu in use."""

    path: str
    version: tuple[int, int, int]
    is_opentofu: bool

    @property
    def registry(self) -> str:
        """The default registry of provider addresses without a host."""
        return OPENTOFU_HOST if self.is_opentofu else TERRAFORM_HOST


@functools.cache
def binary() -> Binary:
    """Terraform, or the program TERRAFORM_BINARY_NAME; ToolError if it is missing or too old."""
    name = os.environ.get("TERRAFORM_BINARY_NAME") or "terraform"
    accepted = "accepted: Terraform or OpenTofu 1.11 or newer on PATH, or TERRAFORM_BINARY_NAME"
    path = shutil.which(name)
    if path is None:
        raise ToolError(
            f"Terraform: received {name!r}, which is not on PATH; {accepted}. Install it."
        )
    environment = os.environ | {"CHECKPOINT_DISABLE": "1"}
    environment.pop("TF_CLI_CONFIG_FILE", None)
    try:
        answer = subprocess.run(
            [path, "version"], env=environment, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolError(
            f"Terraform: received {path}, which does not run ({error}); {accepted}."
        ) from error
    match = re.search(r"^(Terraform|OpenTofu) v(\d+)\.(\d+)\.(\d+)", answer, re.MULTILINE)
    if match is None:
        first = answer.strip().partition("\n")[0]
        raise ToolError(f"Terraform: received {path}, whose version is {first!r}; {accepted}.")
    version = (int(match[2]), int(match[3]), int(match[4]))
    if version[:2] < MINIMUM_VERSION:
        received = ".".join(map(str, version))
        raise ToolError(
            f"{match[1]}: received {path}, version {received}; {accepted}. Install a newer one."
        )
    return Binary(path, version, match[1] == "OpenTofu")


@functools.cache
def offline() -> bool:
    """Whether providers are installed from this disk, because no registry is reachable."""
    return user_configuration() is None and not registry_reachable(binary().registry)


@functools.cache
def environment() -> Mapping[str, str]:
    """Variables for Terraform and the cdktf CLI; ToolError if no AWS provider is available."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    cache = Path(os.environ.get("TF_PLUGIN_CACHE_DIR") or FOLDER / "plugin-cache")
    cache.mkdir(parents=True, exist_ok=True)
    variables = {
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "TERRAFORM_BINARY_NAME": binary().path,
        # One copy of the provider, which is 700 MB, for all folders. The repository has no lock
        # file with which the cache could conflict.
        "TF_PLUGIN_CACHE_DIR": str(cache),
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
    }
    if offline():
        with _lock("mirror"):
            configuration = write_offline_configuration(binary().registry, FOLDER)
        if configuration is None:
            raise ToolError(
                f"AWS provider: received no response from {binary().registry}, and no folder named"
                f" {TERRAFORM_HOST} with hashicorp/aws exists on this disk; accepted: either."
                " Connect to the network, or create a mirror under ~/.terraform.d/plugins with"
                " `terraform providers mirror`."
            )
        variables["TF_CLI_CONFIG_FILE"] = str(configuration)
    return variables


def whole_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment for a child that runs Terraform, with ``extra`` on top."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    named = kept.get("TF_CLI_CONFIG_FILE")
    if named and not Path(named).is_file():
        del kept["TF_CLI_CONFIG_FILE"]
    # Without byte code Python starts several times slower.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | dict(environment()) | dict(extra)


class TerraformError(ToolError):
    """Terraform failed; the message contains its errors."""


@contextmanager
def _lock(name: str) -> Iterator[None]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Processes:
    """Terraform's processes that run at the same time and can be stopped together.

    Each runs in a new session, so that Ctrl-C in the terminal interrupts only this program, which
    then calls `stop`.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    @contextmanager
    def start(
        self, command: Sequence[str], folder: Path, variables: Mapping[str, str], *, stderr: int
    ) -> Iterator[subprocess.Popen[str]]:
        """Start a process in a folder and wait for it at the end of the block."""
        with self._lock:
            if self.stopped.is_set():
                raise TerraformError(f"{' '.join(command)}: not started, because of an interrupt.")
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=whole_environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        try:
            yield process
        except BaseException:
            self._end(process)
            raise
        finally:
            process.wait()
            with self._lock:
                self._running.discard(process)

    def stop(self) -> None:
        """Interrupt all processes, kill them after 10 seconds, and start no more."""
        with self._lock:
            self.stopped.set()
            running = list(self._running)
        for process in running:
            process.send_signal(signal.SIGINT)
        for process in running:
            self._end(process)

    def _end(self, process: subprocess.Popen[str]) -> None:
        """Interrupt a process and kill its group, providers included, after 10 seconds."""
        if process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


Event = Mapping[str, Any]
"""One line of `terraform … -json`: https://developer.hashicorp.com/terraform/internals/machine-readable-ui"""


@dataclass
class Workspace:
    """A stack's folder with its ``cdk.tf.json``, and the environment of Terraform's commands."""

    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    processes: Processes = field(default_factory=Processes)

    def init(self) -> None:
        """Install the providers and configure the backend; one at a time, for the plugin cache."""
        with _lock("init"):
            self.run("init", "-no-color", "-input=false")

    def validate(self) -> None:
        self.run("validate", "-no-color")

    def apply(self, *options: str) -> str:
        return self.run("apply", "-no-color", "-auto-approve", "-input=false", *options)

    def destroy(self, *options: str) -> str:
        return self.run("destroy", "-no-color", "-auto-approve", "-input=false", *options)

    def plan(self, *options: str) -> str | None:
        """The text of the plan; None if it is empty."""
        done = self._run("plan", "-no-color", "-input=false", "-detailed-exitcode", *options)
        if done.returncode == 0:
            return None
        if done.returncode == 2:
            return done.stdout
        raise TerraformError(_failure(done))

    def stream(
        self,
        command: str,
        *options: str,
        on_event: Callable[[Event], None] = lambda _event: None,
        log: Path | None = None,
    ) -> None:
        """Run plan, apply or destroy with ``-json`` and call `on_event` with each of its events.

        The lines are appended to `log`. Raises TerraformError with the diagnostics of severity
        error if the command fails.
        """
        approval = () if command == "plan" else ("-auto-approve",)
        arguments = [binary().path, command, "-json", "-input=false", *approval, *options]
        errors: list[str] = []
        tail: deque[str] = deque(maxlen=20)
        with ExitStack() as stack:
            file = stack.enter_context(log.open("a", encoding="utf-8")) if log else None
            process = stack.enter_context(
                self.processes.start(arguments, self.folder, self.extra, stderr=subprocess.STDOUT)
            )
            for line in process.stdout or ():
                if file:
                    file.write(line)
                    file.flush()
                event = parse_event(line)
                if event is None:
                    tail.append(line.rstrip())
                    continue
                if event.get("type") == "diagnostic" and event.get("@level") == "error":
                    errors.append(diagnostic_text(event["diagnostic"]))
                on_event(event)
        if process.returncode != 0:
            where = f"\nAll events are in {log}." if log else ""
            text = "\n".join(errors or tail)
            raise TerraformError(
                f"terraform {command} in {self.folder.name}: exit code"
                f" {process.returncode}:\n{text}{where}"
            )

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, as plain values."""
        outputs = json.loads(self.run("output", "-json", "-no-color"))
        return {name: output["value"] for name, output in outputs.items()}

    def state(self) -> str:
        """The state as JSON text."""
        return self.run("state", "pull")

    def run(self, *arguments: str) -> str:
        """Run a Terraform command and return its output; raises TerraformError on failure."""
        done = self._run(*arguments)
        if done.returncode != 0:
            raise TerraformError(_failure(done))
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [binary().path, *arguments]
        with self.processes.start(
            command, self.folder, self.extra, stderr=subprocess.PIPE
        ) as process:
            output, errors = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, output, errors)


def parse_event(line: str) -> Event | None:
    """The event of a line of ``-json`` output; None for other text."""
    with suppress(ValueError):
        event = json.loads(line)
        if isinstance(event, dict):
            return event
    return None


def diagnostic_text(diagnostic: Mapping[str, Any]) -> str:
    """Summary, resource address and detail of a diagnostic."""
    address = diagnostic.get("address")
    head = f"{diagnostic['summary']} ({address})" if address else str(diagnostic["summary"])
    detail = str(diagnostic.get("detail") or "").strip()
    return f"{head}\n{detail}".replace("\n", "\n  ") if detail else head


def _failure(done: subprocess.CompletedProcess[str]) -> str:
    text = "\n".join(f"{done.stdout}\n{done.stderr}".strip().splitlines()[-60:])
    return f"{' '.join(done.args)} ended with {done.returncode}:\n{text}"
