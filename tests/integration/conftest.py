"""Real Terraform with the real AWS provider against the emulator, several stacks side by side."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tools import terraform
from tools.emulator import Emulator
from tools.terraform import Workspace, whole_environment

ROOT = Path(__file__).resolve().parents[2]
STATE_BUCKET = "terraform-state-tests"
# Mostly the provider waits, for times that are its own; more than this would only crowd two cores.
SIDE_BY_SIDE = 4

# Read before the session's fixtures clean the environment: it may say where providers come from.
_CLI_CONFIGURATION = os.environ.get("TF_CLI_CONFIG_FILE")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The one emulated account that the session's deployments share."""
    with Emulator(log_path=tmp_path_factory.mktemp("emulator") / "emulator.log") as running:
        yield running


@pytest.fixture(scope="module")
def fresh_emulator() -> Iterator[Emulator]:
    """An account with nothing in it, for tests that count what there is."""
    with Emulator() as running:
        yield running


@pytest.fixture(scope="session")
def terraform_is_ready(_clean_environment: None) -> Iterator[None]:
    """Fails with the tool's own message where Terraform or a provider is missing."""
    with pytest.MonkeyPatch.context() as patch:
        if _CLI_CONFIGURATION:
            patch.setenv("TF_CLI_CONFIG_FILE", _CLI_CONFIGURATION)
        terraform.environment()
        yield


class Deployment:
    """One stack of the app, synthesized with some settings and applied in the background.

    `ready()` waits until it is applied; `workspace` plans, applies again, destroys, and shows
    state and outputs.
    """

    def __init__(
        self, emulator: Emulator, folder: Path, stack: str, settings: dict[str, str]
    ) -> None:
        self.stack = stack
        self.suffix = settings.get("ENVIRONMENT_SUFFIX", "dev")
        self._environment = {
            **emulator.environment(),
            "TERRAFORM_STATE_BUCKET": STATE_BUCKET,
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            **settings,
            "STACKS": stack,
            "CDKTF_OUTDIR": str(folder / "cdktf.out"),
        }
        self.workspace = Workspace(folder / "cdktf.out" / "stacks" / stack, self._environment)
        self._applied: Future[None] | None = None

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Begin to synthesize and apply."""
        self._applied = pool.submit(self._apply)

    def ready(self) -> Deployment:
        """Wait until it is applied; raises what went wrong."""
        assert self._applied is not None
        self._applied.result()
        return self

    def outputs(self) -> dict[str, Any]:
        return self.workspace.outputs()

    def synthesize(self, **settings: str) -> None:
        """Write the stack's JSON anew, with some settings changed."""
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=ROOT,
            env=whole_environment(self._environment | settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def _apply(self) -> None:
        self.synthesize()
        self.workspace.init()
        self.workspace.apply()


class Deployments:
    """The session's deployments: `start(...)` begins one at once and returns it, not yet ready."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self._emulator = emulator
        self._folder = folder
        self._pool = ThreadPoolExecutor(max_workers=SIDE_BY_SIDE)
        self._count = 0

    def start(self, stack: str, **settings: str) -> Deployment:
        self._count += 1
        folder = self._folder / f"{stack}-{self._count}"
        deployment = Deployment(self._emulator, folder, stack, settings)
        deployment.start(self._pool)
        return deployment

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


@pytest.fixture(scope="session")
def deployments(
    emulator: Emulator, terraform_is_ready: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployments]:
    """Starts deployments in the shared account; the bucket for their states is there."""
    emulator.client("s3").create_bucket(Bucket=STATE_BUCKET)
    running = Deployments(emulator, tmp_path_factory.mktemp("deployments"))
    yield running
    running.close()


@pytest.fixture
def workspace(emulator: Emulator, terraform_is_ready: None, tmp_path: Path) -> Workspace:
    """An empty folder for a small configuration of a test's own."""
    return Workspace(tmp_path, emulator.environment())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is an integration test."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.integration)
