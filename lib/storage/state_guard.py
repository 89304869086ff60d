"""Refuses to destroy a bucket of Terraform states while it contains states with resources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cdktf import (
    AssetType,
    DataResource,
    ITerraformDependable,
    LocalExecProvisioner,
    TerraformAsset,
)
from constructs import Construct

from lib.storage.bucket import SecureBucket

SCRIPT = Path(__file__).with_name("remaining_states.py")
# Terraform runs in `<output>/stacks/<stack>`, below the folder with the environment `.venv`.
_COMMAND = (
    'd="$PWD"; while [ "$d" != / ] && [ ! -x "$d/.venv/bin/python" ]; do d="$(dirname "$d")"; done;'
    ' p="$d/.venv/bin/python"; [ -x "$p" ] || p=python3; "$p" {script} "$BUCKET" "$REGION"'
)


class StateGuard(Construct):
    """Creates a `terraform_data` resource whose destruction fails while states have resources.

    It depends on the bucket and on `protected`, the other resources of the stack, so that Terraform
    destroys it first: a refused `destroy` deletes nothing. The check runs on the machine that runs
    Terraform, with its credentials, by the first `.venv` above the working folder or `python3`,
    which requires boto3. A policy of the bucket cannot refuse the deletion of its objects, because
    Terraform destroys the policy first, and `force_destroy = false` would fail after the policy and
    the encryption were destroyed.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        bucket: SecureBucket,
        region: str,
        protected: Sequence[ITerraformDependable],
    ) -> None:
        super().__init__(scope, id_)
        script = TerraformAsset(self, "Script", path=str(SCRIPT), type=AssetType.FILE)
        self.resource = DataResource(
            self,
            "Resource",
            input={"bucket": bucket.bucket.id, "region": region},
            depends_on=list(protected),
            provisioners=[
                LocalExecProvisioner(
                    type="local-exec",
                    when="destroy",
                    command=_COMMAND.format(script=script.path),
                    # A provisioner of a destruction can refer to its own resource only.
                    environment={
                        "BUCKET": "${self.output.bucket}",
                        "REGION": "${self.output.region}",
                    },
                )
            ],
        )
