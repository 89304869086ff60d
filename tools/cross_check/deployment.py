"""TapStack, applied to ministack by Terraform."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lib.synthesis import run_synthesis
from tools.cross_check.account import Ministack
from tools.cross_check.database import ClusterDatabase
from tools.local.progress import shown
from tools.project import ROOT
from tools.terraform import Processes, Workspace, use_local_state

_STACK = "tap"


@dataclass
class Deployment:
    """The account, its database, and the stack that is applied to it with local state."""

    account: Ministack
    database: ClusterDatabase
    folder: Path
    outputs: dict[str, Any] = field(default_factory=dict)
    resources: int = 0
    """The number of resources that Terraform created."""

    def apply(self) -> None:
        """Synthesize and apply the stack; raises SynthesisError or TerraformError."""
        output = self.folder / "cdktf.out"
        variables = self.account.environment() | {
            "STACKS": _STACK,
            "TERRAFORM_STATE_BUCKET": "terraform-state",
        }
        run_synthesis(output, variables, project=ROOT)
        stack = output / "stacks" / _STACK
        use_local_state(stack)
        processes = Processes()
        workspace = Workspace(stack, variables, processes)
        workspace.init()
        with shown(f"terraform apply {_STACK}") as progress:
            try:
                workspace.stream(
                    "apply",
                    on_event=lambda event: progress.add(_STACK, event),
                    log=self.folder / "apply.jsonl",
                )
            except BaseException:
                processes.stop()
                raise
        self.resources = progress.done
        self.outputs = workspace.outputs()

    def output(self, name: str) -> str:
        """An output of the stack."""
        return str(self.outputs[name])

    @cached_property
    def administrator(self) -> dict[str, str]:
        """Keys of an IAM user with all permissions; unlike root, policies apply to it."""
        iam, name = self.account.client("iam"), "administrator"
        iam.create_user(UserName=name)
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        iam.put_user_policy(
            UserName=name,
            PolicyName=name,
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
        )
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }
