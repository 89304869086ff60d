"""The account that is deployed into, known to Terraform at plan time without a call at synth."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from constructs import Construct

from lib.settings import Settings


class Account(Construct):
    """Reads the caller's account number and makes ARNs of it.

    ARNs built from names, not from resources, let a key policy name a trail that itself needs the
    key, which as references would be a cycle.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings) -> None:
        super().__init__(scope, id_)
        self.id = DataAwsCallerIdentity(self, "Resource").account_id
        self.partition = settings.partition
        self.region = settings.aws_region
        self.root_arn = self.arn("iam", "root", region="")

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """`arn:aws:<service>:<region>:<account>:<resource>`; pass `region=""` for global ones."""
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{where}:{self.id}:{resource}"

    def bucket_arn(self, name: str) -> str:
        return f"arn:{self.partition}:s3:::{name}"

    def managed_policy_arn(self, name: str) -> str:
        return f"arn:{self.partition}:iam::aws:policy/{name}"
