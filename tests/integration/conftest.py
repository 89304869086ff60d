"""One emulated account with all stacks, applied by Terraform with the AWS provider.

It contains the state bucket (StateStack), two environments of TapStack, a BastionStack and a
WebStack, applied in parallel. The fixture `environment` is TapStack with the default settings
(suffix `default`). `custom_environment` (suffix `custom`) sets the options under test to other
values, and leaves out the resources that an account can have only once. `bastion` and `web` have
the suffix and the state bucket of `environment`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lib.stacks import STACKS
from lib.synthesis import run_synthesis
from tools import terraform
from tools.emulator import Emulator
from tools.local.placeholders import LocalPlaceholders
from tools.terraform import Workspace

ROOT = Path(__file__).resolve().parents[2]
STATE_BUCKET = "tap-state-of-the-tests"
CUSTOM = {
    "TAP_DATABASE_READER_COUNT": "0",
    "TAP_MONITORING_ALARM_EMAIL": "alarms@example.com",
    "TAP_MONITORING_CONFIG_RECORDER": "false",
    "TAP_MONITORING_TRAIL": "false",
    "TAP_NETWORK_INTERFACE_ENDPOINTS": "secretsmanager,kms",
    "TAP_STORAGE_ACCESS_LOGS_ENCRYPTION": "s3",
}
REFUSALS = ("403", "AccessDenied", "AccessDeniedException")

# Read before the session's fixtures clean the environment: it may set the provider mirror.
_CLI_CONFIGURATION = os.environ.get("TF_CLI_CONFIG_FILE")


def refused(call: Callable[..., Any], **arguments: Any) -> bool:
    """Return whether an API call fails because a permission is missing; raise other errors."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in REFUSALS:
            return True
        raise
    return False


@dataclass
class Environment:
    """One deployed stack: its Terraform workspace, its outputs and its account."""

    emulator: Emulator
    suffix: str
    folder: Path
    variables: dict[str, str]
    stack: str = "tap"
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def terraform(self) -> Workspace:
        """The Terraform workspace in the folder of the synthesized stack."""
        return Workspace(self.folder / "stacks" / self.stack, self.variables)

    @property
    def region(self) -> str:
        """The Region that the synthesized stack deploys to."""
        document = json.loads((self.terraform.folder / "cdk.tf.json").read_text())
        (provider,) = document["provider"]["aws"]
        return str(provider["region"])

    @property
    def prefix(self) -> str:
        """The prefix of the stack's physical names."""
        return STACKS[self.stack].prefix

    def synthesize(self, **changed: str) -> None:
        """Write the stack's JSON, with some settings changed."""
        run_synthesis(self.folder, self.variables | changed)

    def deploy(self) -> None:
        """Apply the synthesized stack and read its outputs."""
        self.terraform.init()
        self.terraform.apply()
        self.outputs = self.terraform.outputs()

    def client(
        self,
        service: str,
        *,
        role_arn: str | None = None,
        condition_keys: Mapping[str, str | None] | None = None,
    ) -> Any:
        """A boto3 client in the stack's Region, with the arguments of `Emulator.client`."""
        return self.emulator.client(
            service, role_arn=role_arn, region=self.region, condition_keys=condition_keys
        )

    def name(self, kind: str) -> str:
        """The physical name of a resource of this stack."""
        return f"{self.prefix}{kind}-{self.suffix}"


@dataclass
class Platform:
    """All deployed stacks, and the emulator that they are deployed to."""

    emulator: Emulator
    state: Workspace
    default: Environment
    custom: Environment
    bastion: Environment
    web: Environment
    placeholders: LocalPlaceholders
    """The SSH key and the hosted zone of the latter two; closing it deletes the zone."""

    @property
    def environments(self) -> tuple[Environment, ...]:
        return self.default, self.custom, self.bastion, self.web


@pytest.fixture(scope="session")
def terraform_is_ready(_clean_environment: None) -> Iterator[None]:
    """Fails with the message of `tools.terraform` if Terraform or a provider is missing."""
    with pytest.MonkeyPatch.context() as patch:
        if _CLI_CONFIGURATION:
            patch.setenv("TF_CLI_CONFIG_FILE", _CLI_CONFIGURATION)
        terraform.environment()
        yield


def _wait_for_bucket(emulator: Emulator, state: Future[str]) -> None:
    """Wait until the bucket accepts states, long before Terraform's waits for it end."""
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
    """Deploy the state bucket, then all stacks in parallel: most of the time is waits."""
    folder = tmp_path_factory.mktemp("platform")
    with Emulator(log_path=folder / "emulator.log") as emulator, ThreadPoolExecutor() as pool:
        common = {**emulator.environment(), "TERRAFORM_STATE_BUCKET": STATE_BUCKET}
        run_synthesis(folder / "state" / "cdktf.out", common | {"STACKS": "state"})
        state = Workspace(folder / "state" / "cdktf.out" / "stacks" / "state", common)
        state.init()
        applied = pool.submit(state.apply)

        def synthesized(suffix: str, stack: str = "tap", **settings: str) -> Environment:
            variables = common | {"STACKS": stack, "ENVIRONMENT_SUFFIX": suffix} | settings
            out = folder / f"{stack}-{suffix}" / "cdktf.out"
            one = Environment(emulator, suffix, out, variables, stack)
            one.synthesize()
            return one

        placeholders = LocalPlaceholders(emulator, ["bastion", "web"], {})
        deployed = Platform(
            emulator,
            state,
            default=synthesized("default"),
            custom=synthesized("custom", **CUSTOM),
            bastion=synthesized("default", "bastion", **placeholders.variables),
            web=synthesized("default", "web", **placeholders.variables),
            placeholders=placeholders,
        )
        _wait_for_bucket(emulator, applied)
        deploying = [pool.submit(one.deploy) for one in deployed.environments]
        for deployment in deploying:
            deployment.result()
        applied.result()
        yield deployed


@pytest.fixture(scope="session")
def environment(platform: Platform) -> Environment:
    """TapStack with the default settings."""
    return platform.default


@pytest.fixture(scope="session")
def custom_environment(platform: Platform) -> Environment:
    """TapStack with the settings in `CUSTOM`."""
    return platform.custom


@pytest.fixture(scope="session")
def bastion(platform: Platform) -> Environment:
    """BastionStack with the default settings."""
    return platform.bastion


@pytest.fixture(scope="session")
def web(platform: Platform) -> Environment:
    """WebStack with the default settings, in a hosted zone created for the test session."""
    return platform.web


@pytest.fixture(scope="module")
def fresh_emulator() -> Iterator[Emulator]:
    """An empty account, one for each module."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def workspace(fresh_emulator: Emulator, terraform_is_ready: None, tmp_path: Path) -> Workspace:
    """An empty folder for the Terraform configuration of one test."""
    return Workspace(tmp_path, fresh_emulator.environment())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder, and move the tests that destroy the stacks to the end."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.integration)
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
