"""Terraform settings of a stack: provider versions, providers and the state backend."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf import S3Backend, TerraformOutput, TerraformProvider, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from cdktf_cdktf_provider_random.provider import RandomProvider

# There is no `required_version`: checkov 3.3 fails to parse Terraform JSON that has one and then
# checks nothing. Write-only arguments require Terraform 1.11; older versions report that.
# The bindings pin the version that they were generated from. Every argument that is used here
# exists with the same meaning in this range.
AWS_PROVIDER_VERSION = ">= 5.100.0, < 7.0.0"
# The ephemeral random_password was added in 3.7.
RANDOM_PROVIDER_VERSION = ">= 3.7.0, < 4.0.0"


def configure_aws(
    stack: TerraformStack, *, region: str, tags: Mapping[str, str] | None = None
) -> AwsProvider:
    """Configure the AWS provider of a stack: its Region and the default tags of every resource."""
    provider = AwsProvider(
        stack,
        "Aws",
        region=region,
        default_tags=[AwsProviderDefaultTags(tags=dict(tags))] if tags else None,
    )
    stack.add_override("terraform.required_providers.aws.version", AWS_PROVIDER_VERSION)
    return provider


def configure_random(stack: TerraformStack) -> TerraformProvider:
    """Configure the random provider of a stack, once; its ephemeral values are not in the state."""
    known = stack.node.try_find_child("Random")
    if isinstance(known, TerraformProvider):
        return known
    provider = RandomProvider(stack, "Random")
    stack.add_override("terraform.required_providers.random.version", RANDOM_PROVIDER_VERSION)
    return provider


def configure_s3_backend(
    stack: TerraformStack,
    *,
    bucket: str,
    region: str,
    suffix: str,
    kms_key_arn: str | None = None,
) -> None:
    """Store the state as `<suffix>/<stack>.tfstate` in a bucket, encrypted and locked by S3."""
    backend = S3Backend(
        stack,
        bucket=bucket,
        key=f"{suffix}/{stack.node.id}.tfstate",
        region=region,
        encrypt=True,
        kms_key_id=kms_key_arn,
    )
    # cdktf 0.21 has no argument for S3 locking; locking by a DynamoDB table is deprecated.
    backend.add_override("use_lockfile", True)


def declare_outputs(stack: TerraformStack, outputs: Mapping[str, object]) -> None:
    """Declare the outputs of a stack; the keys are their names."""
    for name, value in outputs.items():
        TerraformOutput(stack, name, value=value)
