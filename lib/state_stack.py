"""The state stack: the bucket in which every other stack keeps its state."""

from __future__ import annotations

from cdktf import LocalBackend, TerraformOutput, TerraformStack
from constructs import Construct

from lib import terraform
from lib.account import Account
from lib.security.key import ExistingKey
from lib.settings import Settings
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress

# Beside cdktf.json: Terraform runs in cdktf.out/stacks/state.
STATE_FILE = "../../../terraform.state.tfstate"


class StateStack(TerraformStack):
    """Deployed once an account, before anything else; its own state is a local file.

    Deletion without MFA is not refused in this bucket: releasing a lock deletes the lock's object.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        # The bucket's Region decides here; the platform may live in another one.
        settings = settings.in_region(settings.terraform_state_bucket_region)
        terraform.use_aws(self, settings)
        LocalBackend(self, path=STATE_FILE)
        key_arn = settings.terraform_state_kms_key_arn
        state = SecureBucket(
            self,
            "State",
            settings=settings,
            account=Account(self, "Account", settings=settings),
            kind="state",
            name=settings.terraform_state_bucket,
            key=ExistingKey(key_arn) if key_arn else None,
            retention=Retention(noncurrent_version_days=settings.storage.noncurrent_version_days),
        )
        suppress(
            state.bucket,
            since="2026-11",
            reasons={"CKV_AWS_18": "It is made before any bucket that could take its access log"},
        )
        for name, value in {
            "state_bucket_name": state.name,
            "state_bucket_region": settings.aws_region,
        }.items():
            TerraformOutput(self, name, value=value)
