"""What every stack tells Terraform: versions, providers and where the state lies."""

from __future__ import annotations

from cdktf import S3Backend, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from cdktf_cdktf_provider_random.provider import RandomProvider

from lib.settings import Settings

# There is no `required_version`: checkov 3.3 cannot read one in Terraform's JSON and would check
# nothing at all. Write-only arguments need Terraform 1.11, which says so itself when it is older.
# The bindings would pin the one version they were made from; every argument used here exists, with
# one meaning, in this whole range.
AWS_PROVIDER_VERSION = ">= 5.100.0, < 7.0.0"
# The ephemeral random_password came with 3.7.
RANDOM_PROVIDER_VERSION = ">= 3.7.0, < 4.0.0"


def use_aws(stack: TerraformStack, settings: Settings) -> None:
    """Configure the AWS provider: the Region, and the tags that every resource gets."""
    AwsProvider(
        stack,
        "Aws",
        region=settings.aws_region,
        default_tags=[AwsProviderDefaultTags(tags=settings.common_tags())],
    )
    stack.add_override("terraform.required_providers.aws.version", AWS_PROVIDER_VERSION)


def use_random(stack: TerraformStack) -> None:
    """Configure the random provider, whose ephemeral values leave no trace in the state."""
    RandomProvider(stack, "Random")
    stack.add_override("terraform.required_providers.random.version", RANDOM_PROVIDER_VERSION)


def keep_state_in_s3(stack: TerraformStack, settings: Settings) -> None:
    """Keep the state encrypted in the state bucket, one object a stack, locked by S3 itself."""
    backend = S3Backend(
        stack,
        bucket=settings.terraform_state_bucket,
        key=f"{settings.environment_suffix}/{stack.node.id}.tfstate",
        region=settings.terraform_state_bucket_region,
        encrypt=True,
        kms_key_id=settings.terraform_state_kms_key_arn,
    )
    # cdktf 0.21 has no argument for it; the older lock by a DynamoDB table is deprecated.
    backend.add_override("use_lockfile", True)
