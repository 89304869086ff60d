"""Creates the provider, the state backend and the context of a stack from the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cdktf import TerraformStack

from lib import terraform
from lib.context import Context, LogRetention
from lib.monitoring.notifications import Receivers
from lib.networking.network import NetworkConfig, Tier
from lib.security.deletion_role import DeletionRole
from lib.security.key import DELETION_WINDOW_DAYS
from lib.settings import Settings, VpcSettings
from lib.stacks import StackSpec
from lib.storage.bucket import SecureBucket


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


def alarm_receivers(settings: Settings) -> Receivers:
    """The receivers of alarms according to the settings."""
    monitoring = settings.monitoring
    return Receivers(email=monitoring.alarm_email, endpoints=monitoring.alarm_subscribers)


def create_deletion_role(
    stack: TerraformStack, *, settings: Settings, context: Context
) -> DeletionRole | None:
    """Create the role that deletes objects of all buckets of a stack that require MFA for it.

    A stack calls it last, after all buckets are created. Without `deletion_users` there is none.
    """
    users = settings.storage.deletion_users
    found = [one for one in stack.node.find_all() if isinstance(one, SecureBucket)]
    buckets = [one for one in found if one.requires_mfa_for_deletion]
    if not users or not buckets:
        return None
    return DeletionRole(stack, "DeletionRole", context=context, users=users, buckets=buckets)


def create_context(
    stack: TerraformStack,
    *,
    settings: Settings,
    spec: StackSpec,
    region: str,
    backup_retention_days: int = 0,
) -> Context:
    """Configure the AWS provider and the S3 backend of a stack, and create its context.

    The key is deleted `backup_retention_days` after the stack, so that backups can be restored.
    """
    tags = common_tags(settings, spec)
    terraform.configure_aws(stack, region=region, tags=tags, account_id=settings.aws_account_id)
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
        key_deletion_window_days=max(DELETION_WINDOW_DAYS, backup_retention_days),
        access_logs_encryption=settings.storage.access_logs_encryption,
        log_retention=log_retention(settings),
    )


def network_config(
    vpc: VpcSettings,
    *,
    ingress: Mapping[Tier, Sequence[tuple[int, str]]] | None = None,
    assign_public_addresses: bool = False,
) -> NetworkConfig:
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
        assign_public_addresses=assign_public_addresses,
        ingress=ingress or {},
    )
