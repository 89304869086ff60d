"""StateStack: the bucket that contains the Terraform states of all other stacks."""

from __future__ import annotations

from cdktf import LocalBackend, TerraformStack
from constructs import Construct

from lib import terraform
from lib.account import Account
from lib.context import Context, record_naming
from lib.naming import Naming
from lib.security.key import ExistingKey
from lib.settings import Settings
from lib.stacks import STACKS
from lib.storage.bucket import Retention, SecureBucket
from lib.suppressions import suppress
from lib.system import common_tags
from lib.terraform import declare_outputs

# Beside cdktf.json: Terraform runs in cdktf.out/stacks/state.
STATE_FILE = "../../../terraform.state.tfstate"


class StateStack(TerraformStack):
    """Creates the state bucket, once per account and before the other stacks.

    Its own state is a local file. The bucket policy does not require MFA for deletion, because
    Terraform deletes the object of a lock to release it.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        spec, region = STACKS["state"], settings.terraform_state_bucket_region
        tags = common_tags(settings, spec)
        terraform.configure_aws(self, region=region, tags=tags)
        LocalBackend(self, path=STATE_FILE)
        naming = Naming(suffix=settings.environment_suffix, system="tap", prefix=spec.prefix)
        record_naming(self, naming)
        account = Account(self, "Account", region=region, partition=settings.partition_of(region))
        context = Context(naming=naming, tags=tags, account=account)
        key_arn = settings.terraform_state_kms_key_arn
        state = SecureBucket(
            self,
            "State",
            context=context,
            kind="state",
            name=settings.terraform_state_bucket,
            encryption=ExistingKey(key_arn) if key_arn else "s3",
            retention=Retention(noncurrent_version_days=settings.storage.noncurrent_version_days),
        )
        reasons = {"CKV_AWS_18": "No other bucket exists that could receive its access log"}
        if not settings.terraform_state_bucket.endswith(f"-{naming.suffix}"):
            reasons["names_end_with_suffix"] = (
                "The setting terraform_state_bucket is the whole name"
            )
        if key_arn is None:
            reasons["require_bucket_encryption"] = "The settings contain no KMS key"
        suppress(state.bucket, since="2026-11", reasons=reasons)
        declare_outputs(self, {"state_bucket_name": state.name, "state_bucket_region": region})
