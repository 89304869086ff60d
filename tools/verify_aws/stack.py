"""The deployed stacks: their outputs, read from the Terraform states, and clients for them."""

from __future__ import annotations

import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from lib.synthesis import run_synthesis
from tools.checks import CheckFailedError, UndeterminedError
from tools.environment import account_variables
from tools.errors import ToolError
from tools.project import ROOT
from tools.terraform import Workspace

_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_POLL_SECONDS = 1.0
_EMULATED_SECONDS = 20.0
T = TypeVar("T")


@dataclass
class DeployedStack:
    """A deployed stack, and what the checks of it have in common.

    `client` creates a boto3 client of a service in the stack's Region. `wait_seconds` is the time
    within which an alarm or a summary must arrive; it is shorter for an emulator, which answers at
    once or never.
    """

    name: str
    region: str
    outputs: Mapping[str, Any]
    client: Callable[[str], Any]
    wait_seconds: float = 180
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    """Distinguishes the names of what one run creates."""
    accepted_upload: str = ""
    """The key of the sample that the bucket accepted; empty before."""
    processed: bool = False
    """Whether the sample became a summary with the expected counts."""

    def output(self, name: str) -> str:
        """An output as text."""
        return str(self.outputs[name])

    @cached_property
    def account_id(self) -> str:
        """The id of the account of the credentials."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @cached_property
    def endpoint(self) -> str:
        """The address of S3."""
        return str(self.client("s3").meta.endpoint_url)

    @property
    def is_on_aws(self) -> bool:
        """Whether requests are sent to AWS, and not to an emulator."""
        return (urlsplit(self.endpoint).hostname or "").endswith(_AWS_DOMAINS)

    def not_observed(self, text: str) -> NoReturn:
        """End a check for which something did not happen: a failure on AWS only."""
        if self.is_on_aws:
            raise CheckFailedError(text)
        raise UndeterminedError(f"{text}; {self.endpoint} is not AWS, and emulators lack this")

    @property
    def limit_seconds(self) -> float:
        """The time for which `wait_for` waits."""
        return self.wait_seconds if self.is_on_aws else min(self.wait_seconds, _EMULATED_SECONDS)

    def wait_for(self, function: Callable[[], T]) -> T | None:
        """The first true result of a function; None if there is none in time."""
        until = time.monotonic() + self.limit_seconds
        while not (result := function()):
            if time.monotonic() > until:
                return None
            time.sleep(_POLL_SECONDS)
        return result


def deployed_stacks(wait_seconds: float) -> list[DeployedStack]:
    """The stacks in STACKS (default tap), with their outputs.

    Reads the states with Terraform and locks nothing. Raises ToolError if a stack is not deployed,
    or if the credentials are missing or invalid.
    """
    _require_credentials()
    variables = account_variables()
    stacks = []
    with tempfile.TemporaryDirectory(prefix="verify-aws-") as name:
        run_synthesis(Path(name), variables, project=ROOT)
        for folder in sorted(Path(name, "stacks").iterdir()):
            workspace = Workspace(folder, variables)
            workspace.init()
            document = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
            region = str(document["provider"]["aws"][0]["region"])
            outputs = workspace.outputs()
            if not outputs:
                raise ToolError(
                    f"{folder.name}: received a state without outputs; accepted: a deployed stack."
                    " Deploy it, or correct STACKS, ENVIRONMENT_SUFFIX and TERRAFORM_STATE_BUCKET."
                )
            client = _client_factory(region)
            stacks.append(DeployedStack(folder.name, region, outputs, client, wait_seconds))
    return stacks


def _client_factory(region: str) -> Callable[[str], Any]:
    session: Any = boto3.session.Session(region_name=region)
    return lambda service: session.client(service)


def _require_credentials() -> None:
    # Terraform's message about missing credentials is long; the synthesis would come first.
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    try:
        boto3.client("sts", region_name=region).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise ToolError(
            f"AWS credentials: received {error}; accepted: credentials of the account of the"
            " deployment. Sign in (aws sso login), or load environment.sh of a local deployment."
        ) from error
