"""Everything as people would have it, in one emulated account: a state bucket made by the state
stack, two environments of TapStack, a BastionStack and a WebStack side by side, applied by real
Terraform.

`alpha` has nothing but the defaults; `beta` chooses otherwise wherever a choice is tested, and
leaves to `alpha` what an account may have only once. `bastion` and `web` share the suffix and the
state bucket of `alpha`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tools import terraform
from tools.emulator import Emulator
from tools.terraform import Workspace, whole_environment
from tools.trial import TrialSettings

ROOT = Path(__file__).resolve().parents[2]
STATE_BUCKET = "tap-state-of-the-tests"
BETA = {
    "TAP_DATABASE_READER_COUNT": "0",
    "TAP_MONITORING_ALARM_EMAIL": "alarms@example.com",
    "TAP_MONITORING_CONFIG_RECORDER": "false",
    "TAP_MONITORING_TRAIL": "false",
    "TAP_NETWORK_INTERFACE_ENDPOINTS": "secretsmanager,kms",
    "TAP_STORAGE_ACCESS_LOGS_ENCRYPTION": "s3",
}
REFUSALS = ("403", "AccessDenied", "AccessDeniedException")

# Read before the session's fixtures clean the environment: it may say where providers come from.
_CLI_CONFIGURATION = os.environ.get("TF_CLI_CONFIG_FILE")


def refused(call: Callable[..., Any], **arguments: Any) -> bool:
    """Is an API call refused for want of a right? Any other error is raised."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in REFUSALS:
            return True
        raise
    return False


def synthesize(folder: Path, variables: dict[str, str]) -> None:
    """Write the JSON of the stacks in STACKS into a folder, as a person's command line does."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=ROOT,
        env=whole_environment(variables | {"CDKTF_OUTDIR": str(folder)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@dataclass
class Environment:
    """One deployed environment: its Terraform, its outputs and the account it lies in."""

    emulator: Emulator
    suffix: str
    folder: Path
    variables: dict[str, str]
    stack: str = "tap"
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def terraform(self) -> Workspace:
        """Terraform in the folder of the synthesized stack."""
        return Workspace(self.folder / "stacks" / self.stack, self.variables)

    @property
    def region(self) -> str:
        """The Region that the synthesized stack deploys to."""
        document = json.loads((self.terraform.folder / "cdk.tf.json").read_text())
        (provider,) = document["provider"]["aws"]
        return str(provider["region"])

    @property
    def prefix(self) -> str:
        """What stands before the names of this stack."""
        return "" if self.stack == "tap" else f"{self.stack}-"

    def synthesize(self, **changed: str) -> None:
        """Write the stack's JSON, with some settings changed."""
        synthesize(self.folder, self.variables | changed)

    def deploy(self) -> None:
        """Apply what was synthesized, and remember the outputs."""
        self.terraform.init()
        self.terraform.apply()
        self.outputs = self.terraform.outputs()

    def client(self, service: str, *, role_arn: str | None = None) -> Any:
        """A boto3 client in the stack's Region; with `role_arn` it may do just what that role's
        policies allow."""
        return self.emulator.client(service, role_arn=role_arn, region=self.region)

    def name(self, kind: str) -> str:
        """The physical name of something in this environment."""
        return f"{self.prefix}{kind}-{self.suffix}"


@dataclass
class Platform:
    """Everything that is deployed, and the emulator it is deployed to."""

    emulator: Emulator
    state: Workspace
    alpha: Environment
    beta: Environment
    bastion: Environment
    web: Environment
    made_up: TrialSettings
    """The key and the hosted zone of the latter two; closing it takes the zone away."""

    @property
    def environments(self) -> tuple[Environment, ...]:
        return self.alpha, self.beta, self.bastion, self.web


@pytest.fixture(scope="session")
def terraform_is_ready(_clean_environment: None) -> Iterator[None]:
    """Fails with the tool's own message where Terraform or a provider is missing."""
    with pytest.MonkeyPatch.context() as patch:
        if _CLI_CONFIGURATION:
            patch.setenv("TF_CLI_CONFIG_FILE", _CLI_CONFIGURATION)
        terraform.environment()
        yield


def _wait_for_bucket(emulator: Emulator, state: Future[str]) -> None:
    """The bucket can take states long before Terraform is done waiting for its last rule."""
    s3 = emulator.client("s3")
    while not state.done():
        try:
            s3.get_bucket_policy(Bucket=STATE_BUCKET)
            versioning = s3.get_bucket_versioning(Bucket=STATE_BUCKET)
        except ClientError:
            versioning = {}
        if versioning.get("Status") == "Enabled":
            return
        time.sleep(0.5)
    state.result()


@pytest.fixture(scope="session")
def platform(
    terraform_is_ready: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Deploys the state bucket, then all environments side by side (mostly waiting)."""
    folder = tmp_path_factory.mktemp("platform")
    with Emulator(log_path=folder / "emulator.log") as emulator, ThreadPoolExecutor() as pool:
        common = {
            **emulator.environment(),
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            "TERRAFORM_STATE_BUCKET": STATE_BUCKET,
        }
        synthesize(folder / "state" / "cdktf.out", common | {"STACKS": "state"})
        state = Workspace(folder / "state" / "cdktf.out" / "stacks" / "state", common)
        state.init()
        applied = pool.submit(state.apply)

        def environment(suffix: str, stack: str = "tap", **settings: str) -> Environment:
            variables = common | {"STACKS": stack, "ENVIRONMENT_SUFFIX": suffix} | settings
            out = folder / f"{stack}-{suffix}" / "cdktf.out"
            made = Environment(emulator, suffix, out, variables, stack)
            made.synthesize()
            return made

        made_up = TrialSettings(emulator, ["bastion", "web"], {})
        deployed = Platform(
            emulator,
            state,
            environment("alpha"),
            environment("beta", **BETA),
            environment("alpha", "bastion", **made_up.variables),
            environment("alpha", "web", **made_up.variables),
            made_up,
        )
        _wait_for_bucket(emulator, applied)
        deploying = [pool.submit(one.deploy) for one in deployed.environments]
        for one in [*deploying, applied]:
            one.result()
        yield deployed


@pytest.fixture(scope="session")
def alpha(platform: Platform) -> Environment:
    """The environment with nothing but the defaults."""
    return platform.alpha


@pytest.fixture(scope="session")
def beta(platform: Platform) -> Environment:
    """The environment that chooses otherwise."""
    return platform.beta


@pytest.fixture(scope="session")
def bastion(platform: Platform) -> Environment:
    """The production network with its bastion, by the defaults."""
    return platform.bastion


@pytest.fixture(scope="session")
def web(platform: Platform) -> Environment:
    """The web application by the defaults, in a hosted zone of the test's own."""
    return platform.web


@pytest.fixture(scope="module")
def fresh_emulator() -> Iterator[Emulator]:
    """An account of a module's own, with nothing in it."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def workspace(fresh_emulator: Emulator, terraform_is_ready: None, tmp_path: Path) -> Workspace:
    """An empty folder for a small configuration of a test's own."""
    return Workspace(tmp_path, fresh_emulator.environment())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and let what destroys the platform come last."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.integration)
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
