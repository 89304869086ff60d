"""Runs Terraform (or OpenTofu) on a synthesized stack, for the tests and the tools beside it."""

from __future__ import annotations

import fcntl
import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

LEAST_VERSION = (1, 11)
FOLDER = ROOT / ".local" / "terraform"


@dataclass(frozen=True)
class Binary:
    """The Terraform or OpenTofu in use."""

    path: str
    version: tuple[int, int, int]
    is_opentofu: bool

    @property
    def registry(self) -> str:
        """The host that provider addresses without one mean."""
        return OPENTOFU_HOST if self.is_opentofu else TERRAFORM_HOST


@functools.cache
def binary() -> Binary:
    """Find Terraform, by TERRAFORM_BINARY_NAME if set; ToolError if missing or too old."""
    name = os.environ.get("TERRAFORM_BINARY_NAME") or "terraform"
    needed = "accepted: Terraform or OpenTofu 1.11 or newer on PATH, or TERRAFORM_BINARY_NAME"
    path = shutil.which(name)
    if path is None:
        raise ToolError(f"Terraform: {name!r} is not on PATH; {needed}. Install it and run again.")
    environment = os.environ | {"CHECKPOINT_DISABLE": "1"}
    environment.pop("TF_CLI_CONFIG_FILE", None)
    try:
        answer = subprocess.run(
            [path, "version"], env=environment, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolError(f"Terraform: {path} does not run ({error}); {needed}.") from error
    match = re.search(r"^(Terraform|OpenTofu) v(\d+)\.(\d+)\.(\d+)", answer, re.MULTILINE)
    if match is None:
        first = answer.strip().partition("\n")[0]
        raise ToolError(f"Terraform: {path} calls itself {first!r}; {needed}.")
    version = (int(match[2]), int(match[3]), int(match[4]))
    if version[:2] < LEAST_VERSION:
        received = ".".join(map(str, version))
        raise ToolError(f"{match[1]}: {path} is version {received}; {needed}. Install a newer one.")
    return Binary(path, version, match[1] == "OpenTofu")


@functools.cache
def offline() -> bool:
    """Must providers come from this disk, because no registry answers?"""
    return user_configuration() is None and not registry_reachable(binary().registry)


@functools.cache
def environment() -> Mapping[str, str]:
    """Variables for Terraform and the cdktf CLI; ToolError where no AWS provider can be had."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    cache = Path(os.environ.get("TF_PLUGIN_CACHE_DIR") or FOLDER / "plugin-cache")
    cache.mkdir(parents=True, exist_ok=True)
    variables = {
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "TERRAFORM_BINARY_NAME": binary().path,
        # The provider is 700 MB: one copy for all folders. There is no lock file in the
        # repository that the cache could contradict.
        "TF_PLUGIN_CACHE_DIR": str(cache),
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
    }
    if offline():
        with _lock("mirror"):
            configuration = write_offline_configuration(binary().registry, FOLDER)
        if configuration is None:
            raise ToolError(
                f"AWS provider: {binary().registry} does not answer and no folder named"
                f" {TERRAFORM_HOST} with hashicorp/aws was found on this disk; accepted: either."
                " Connect to the network, or put a mirror under ~/.terraform.d/plugins"
                " (terraform providers mirror makes one)."
            )
        variables["TF_CLI_CONFIG_FILE"] = str(configuration)
    return variables


def whole_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment for a child that runs Terraform, with ``extra`` on top."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    named = kept.get("TF_CLI_CONFIG_FILE")
    if named and not Path(named).is_file():
        del kept["TF_CLI_CONFIG_FILE"]
    # Set on some machines; without byte code every Python child starts much slower.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | dict(environment()) | dict(extra)


class TerraformError(Exception):
    """Terraform failed; the message holds the end of what it said."""


@contextmanager
def _lock(name: str) -> Iterator[None]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass
class Workspace:
    """One stack's folder with its ``cdk.tf.json``, and the environment Terraform runs in there."""

    folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    def init(self) -> None:
        """Install providers and connect the backend. The plugin cache bears one at a time."""
        with _lock("init"):
            self.run("init", "-no-color", "-input=false")

    def validate(self) -> None:
        self.run("validate", "-no-color")

    def apply(self, *options: str) -> str:
        return self.run("apply", "-no-color", "-auto-approve", "-input=false", *options)

    def destroy(self, *options: str) -> str:
        return self.run("destroy", "-no-color", "-auto-approve", "-input=false", *options)

    def plan(self, *options: str) -> str | None:
        """The plan's text if it would change anything, None if it is empty."""
        done = self._start("plan", "-no-color", "-input=false", "-detailed-exitcode", *options)
        if done.returncode == 0:
            return None
        if done.returncode == 2:
            return done.stdout
        raise TerraformError(_told(done))

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, as plain values."""
        told = json.loads(self.run("output", "-json", "-no-color"))
        return {name: output["value"] for name, output in told.items()}

    def state(self) -> str:
        """The whole state as Terraform keeps it, as JSON text."""
        return self.run("state", "pull")

    def run(self, *arguments: str) -> str:
        """Run a Terraform command here and return what it printed; TerraformError on failure."""
        done = self._start(*arguments)
        if done.returncode != 0:
            raise TerraformError(_told(done))
        return done.stdout

    def _start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [binary().path, *arguments],
            cwd=self.folder,
            env=whole_environment(self.extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _told(done: subprocess.CompletedProcess[str]) -> str:
    told = "\n".join(f"{done.stdout}\n{done.stderr}".strip().splitlines()[-60:])
    return f"{' '.join(done.args)} ended with {done.returncode}:\n{told}"
