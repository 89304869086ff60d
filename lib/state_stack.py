"""StateStack: the bucket that contains the Terraform states of all other stacks."""

from __future__ import annotations

from dataclasses import replace

from cdktf import LocalBackend, TerraformResource, TerraformStack
from constructs import Construct

from lib import terraform
from lib.account import Account
from lib.context import Context, record_naming
from lib.naming import Naming
from lib.security.key import EncryptionKey, ExistingKey
from lib.settings import Settings
from lib.stacks import STACKS
from lib.storage.access_logs import AccessLogsBucket
from lib.storage.bucket import Retention, SecureBucket
from lib.storage.state_guard import StateGuard
from lib.suppressions import suppress
from lib.system import common_tags, log_retention
from lib.terraform import declare_outputs

# Beside cdktf.json: Terraform runs in cdktf.out/stacks/state.
STATE_FILE = "../../../terraform.state.tfstate"


class StateStack(TerraformStack):
    """Creates the state bucket, once per account and before the other stacks.

    `destroy` is refused while the bucket contains states with resources.
    The states are encrypted with a key of this stack, or with the existing key of the settings;
    requests are logged to a second bucket. Deletion of states and of their versions requires MFA,
    that of locks does not: Terraform deletes the object of a lock to release it. The state of this
    stack is a local file.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        spec, region = STACKS["state"], settings.terraform_state_bucket_region
        tags = common_tags(settings, spec)
        terraform.configure_aws(self, region=region, tags=tags, account_id=settings.aws_account_id)
        LocalBackend(self, path=STATE_FILE)
        naming = Naming(
            suffix=settings.environment_suffix, system="terraform-state", prefix=spec.prefix
        )
        record_naming(self, naming)
        account = Account(self, "Account", region=region, partition=settings.partition_of(region))
        context = Context(
            naming=naming, tags=tags, account=account, log_retention=log_retention(settings)
        )
        access_logs = AccessLogsBucket(self, "AccessLogs", context=context)
        context = replace(context, access_logs=access_logs)
        key_arn = settings.terraform_state_kms_key_arn
        state = SecureBucket(
            self,
            "State",
            context=context,
            kind="bucket",
            name=settings.terraform_state_bucket,
            encryption=ExistingKey(key_arn)
            if key_arn
            else EncryptionKey(self, "Key", naming=naming, account=account),
            retention=Retention(noncurrent_version_days=settings.storage.noncurrent_version_days),
        )
        state.require_mfa_for_deletion("*.tfstate")
        if not settings.terraform_state_bucket.endswith(f"-{naming.suffix}"):
            suppress(
                state.bucket,
                since="2026-11",
                reasons={
                    "names_end_with_suffix": "The setting terraform_state_bucket is the whole name"
                },
            )
        StateGuard(
            state,
            "Guard",
            bucket=state,
            region=region,
            protected=[one for one in self.node.find_all() if isinstance(one, TerraformResource)],
        )
        declare_outputs(
            self,
            {
                "state_bucket_name": state.name,
                "state_bucket_region": region,
                "access_logs_bucket_name": access_logs.name,
            },
        )
