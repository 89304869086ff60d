"""Creates the provider, the state backend and the context of a stack from the settings."""

from __future__ import annotations

from cdktf import TerraformStack

from lib import terraform
from lib.context import Context, LogRetention
from lib.networking.network import NetworkConfig
from lib.settings import Settings, VpcSettings
from lib.stacks import StackSpec


def common_tags(settings: Settings, spec: StackSpec) -> dict[str, str]:
    """The tags of every resource of a stack, except the Name tag."""
    return {
        "Environment": settings.environment_suffix,
        "Project": settings.tags.project,
        "Owner": settings.tags.owner,
        "CostCenter": settings.tags.cost_center,
        "ManagedBy": "cdktf",
        "Component": spec.component,
        "Purpose": spec.purpose,
    }


def log_retention(settings: Settings) -> LogRetention:
    """The retention of logs according to the settings."""
    return LogRetention(
        log_group_days=settings.monitoring.log_retention_days,
        object_days=settings.storage.log_expiration_days,
        noncurrent_version_days=settings.storage.noncurrent_version_days,
    )


def create_context(
    stack: TerraformStack, *, settings: Settings, spec: StackSpec, region: str
) -> Context:
    """Configure the AWS provider and the S3 backend of a stack, and create its context."""
    tags = common_tags(settings, spec)
    terraform.configure_aws(stack, region=region, tags=tags)
    terraform.configure_s3_backend(
        stack,
        bucket=settings.terraform_state_bucket,
        region=settings.terraform_state_bucket_region,
        suffix=settings.environment_suffix,
        kms_key_arn=settings.terraform_state_kms_key_arn,
    )
    return Context.create(
        stack,
        suffix=settings.environment_suffix,
        region=region,
        system=spec.name,
        prefix=spec.prefix,
        tags=tags,
        partition=settings.partition_of(region),
        access_logs_encryption=settings.storage.access_logs_encryption,
        log_retention=log_retention(settings),
    )


def network_config(vpc: VpcSettings) -> NetworkConfig:
    """The configuration of a network from its section of the settings."""
    return NetworkConfig(
        cidr=vpc.cidr,
        availability_zones=vpc.availability_zones,
        public_subnets=vpc.subnets("public"),
        private_subnets=vpc.subnets("private"),
        isolated_subnets=vpc.subnets("isolated"),
        endpoints=vpc.endpoints,
        single_nat_gateway=vpc.one_nat_gateway,
        flow_log_interval_seconds=vpc.flow_log_interval_seconds,
    )
