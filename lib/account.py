"""The AWS account of a deployment, read by Terraform at plan time: synthesis calls no API."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from constructs import Construct


class Account(Construct):
    """Reads the account id of the caller and builds ARNs.

    A key policy can contain an ARN built from a name where a reference would be a cycle, such as
    that of a trail that requires the key. `partition` is aws, aws-us-gov or aws-cn.
    """

    def __init__(self, scope: Construct, id_: str, *, region: str, partition: str = "aws") -> None:
        super().__init__(scope, id_)
        self.id = DataAwsCallerIdentity(self, "Resource").account_id
        self.partition = partition
        self.region = region
        self.root_arn = self.arn("iam", "root", region="")

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """`arn:aws:<service>:<region>:<account>:<resource>`; `region=""` for global services."""
        region = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{region}:{self.id}:{resource}"

    def bucket_arn(self, name: str) -> str:
        """The ARN of the bucket of that name."""
        return f"arn:{self.partition}:s3:::{name}"

    def managed_policy_arn(self, name: str) -> str:
        """The ARN of the AWS managed policy of that name (with its path)."""
        return f"arn:{self.partition}:iam::aws:policy/{name}"

    def service_endpoint(self, service: str) -> str:
        """The value of `kms:ViaService` for a service: `s3.us-east-1.amazonaws.com`."""
        return f"{service}.{self.region}.amazonaws.com"

    def via_services(self, *services: str) -> list[str]:
        """The values of `kms:ViaService` for several services."""
        return [self.service_endpoint(service) for service in services]
