"""What the review knows of AWS's resources, as data: a row more is all that a new kind takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tools.plan_review.masking import Json

# ---- what holds data ----------------------------------------------------------------------------

STATEFUL = {
    "aws_ami": "image",
    "aws_backup_vault": "backup vault",
    "aws_cloudwatch_log_group": "log group",
    "aws_codecommit_repository": "repository",
    "aws_cognito_user_pool": "user pool",
    "aws_db_cluster_snapshot": "snapshot",
    "aws_db_instance": "database",
    "aws_db_snapshot": "snapshot",
    "aws_docdb_cluster": "database",
    "aws_dynamodb_global_table": "table",
    "aws_dynamodb_table": "table",
    "aws_ebs_snapshot": "snapshot",
    "aws_ebs_volume": "volume",
    "aws_ecr_repository": "registry",
    "aws_efs_file_system": "file system",
    "aws_elasticache_cluster": "cache",
    "aws_elasticache_replication_group": "cache",
    "aws_fsx_lustre_file_system": "file system",
    "aws_fsx_ontap_file_system": "file system",
    "aws_fsx_openzfs_file_system": "file system",
    "aws_fsx_windows_file_system": "file system",
    "aws_kinesis_stream": "stream",
    "aws_kms_external_key": "key",
    "aws_kms_key": "key",
    "aws_kms_replica_key": "key",
    "aws_memorydb_cluster": "database",
    "aws_msk_cluster": "stream",
    "aws_neptune_cluster": "database",
    "aws_opensearch_domain": "database",
    "aws_rds_cluster": "database",
    "aws_rds_global_cluster": "database",
    "aws_redshift_cluster": "database",
    "aws_route53_zone": "hosted zone",
    "aws_s3_bucket": "bucket",
    "aws_s3_directory_bucket": "bucket",
    "aws_s3_object": "object",
    "aws_secretsmanager_secret": "secret",
    "aws_secretsmanager_secret_version": "secret",
    "aws_sqs_queue": "queue",
    "aws_ssm_parameter": "parameter",
}
# Replacing these is how their value is changed; the one before is kept by AWS, or derived.
RENEWED = ("aws_secretsmanager_secret_version", "aws_ssm_parameter", "aws_s3_object")

# ---- access -------------------------------------------------------------------------------------

IAM_PREFIX = "aws_iam_"
# Their attributes say who may do what without being policy documents.
GRANTS = {
    "aws_iam_role_policy_attachment": ("role", "policy_arn"),
    "aws_iam_user_policy_attachment": ("user", "policy_arn"),
    "aws_iam_group_policy_attachment": ("group", "policy_arn"),
    "aws_iam_policy_attachment": ("policy_arn", "roles", "users", "groups"),
    "aws_iam_group_membership": ("group", "users"),
    "aws_iam_instance_profile": ("role",),
    "aws_kms_grant": ("grantee_principal", "operations", "key_id"),
    "aws_lambda_permission": (
        *("action", "principal", "source_arn", "source_account", "principal_org_id"),
        "function_url_auth_type",
    ),
    "aws_vpc_peering_connection": ("vpc_id", "peer_vpc_id", "peer_owner_id", "peer_region"),
    "aws_ram_principal_association": ("principal", "resource_share_arn"),
}
TOO_MUCH = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
POLICY_ATTRIBUTES = (
    *("policy", "assume_role_policy", "access_policy", "access_policies", "inline_policy"),
    *("policy_document", "resource_policy", "repository_policy"),
)
# Their policies narrow what passes through; whom they name is let in by nobody yet.
FILTERS = ("aws_vpc_endpoint", "aws_vpc_endpoint_policy")


@dataclass(frozen=True)
class Setting:
    """A setting that opens, uncovers or weakens: ``bad`` says for which values it does."""

    attribute: str
    bad: Callable[[Json], bool]
    rule: str
    types: tuple[str, ...] = ()
    at_creation: bool = True

    def applies(self, kind: str) -> bool:
        return not self.types or kind in self.types


def _true(value: Json) -> bool:
    return value is True or value == "true"


def _false(value: Json) -> bool:
    return value is False or value == "false"


def _none(value: Json) -> bool:
    return value in (None, "", [])


def _holds_all(value: Json) -> bool:
    return isinstance(value, list) and "all" in value


def _one_of(*bad: str) -> Callable[[Json], bool]:
    return lambda value: value in bad


_BLOCKS = ("aws_s3_bucket_public_access_block", "aws_s3_account_public_access_block")
_DATABASES = ("aws_db_instance", "aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster")
_PUBLIC_ACLS = _one_of("public-read", "public-read-write", "authenticated-read")

SETTINGS = (
    Setting("publicly_accessible", _true, "public"),
    Setting("acl", _PUBLIC_ACLS, "public"),
    *(
        Setting(name, lambda value: value is not True, "public", _BLOCKS)
        for name in (
            *("block_public_acls", "block_public_policy"),
            *("ignore_public_acls", "restrict_public_buckets"),
        )
    ),
    Setting("authorization_type", _one_of("NONE"), "public", ("aws_lambda_function_url",)),
    Setting("group", _one_of("all"), "public", ("aws_ami_launch_permission",)),
    Setting("shared_accounts", _holds_all, "public"),
    Setting("authorization", _one_of("NONE"), "access-widened", ("aws_api_gateway_method",)),
    Setting("map_public_ip_on_launch", _true, "access-widened"),
    Setting("associate_public_ip_address", _true, "access-widened"),
    Setting("endpoint_public_access", _true, "access-widened"),
    Setting("internal", _false, "access-widened", ("aws_lb", "aws_alb")),
    Setting("http_tokens", _one_of("optional"), "protection-lowered"),
    Setting("is_enabled", _false, "key-disabled", ("aws_kms_key",)),
    Setting("enabled", _false, "key-disabled", ("aws_kms_external_key", "aws_kms_replica_key")),
    Setting("storage_encrypted", lambda value: value is not True, "encryption-off", _DATABASES),
    Setting("encrypted", _false, "encryption-off", ("aws_ebs_volume", "aws_efs_file_system")),
    Setting("encrypted", _false, "encryption-off", at_creation=False),
    Setting("at_rest_encryption_enabled", _false, "encryption-off"),
    Setting("transit_encryption_enabled", _false, "encryption-off"),
    Setting("sqs_managed_sse_enabled", _false, "encryption-off", at_creation=False),
    *(
        Setting(name, _none, "encryption-off", at_creation=False)
        for name in ("kms_key_id", "kms_key_arn", "kms_master_key_id", "kms_master_key_arn")
    ),
    Setting("sse_algorithm", _one_of("AES256"), "protection-lowered", at_creation=False),
    Setting("enable_key_rotation", _false, "protection-lowered", at_creation=False),
    Setting("enable_log_file_validation", _false, "protection-lowered", at_creation=False),
    Setting("enable_logging", _false, "protection-lowered", at_creation=False),
    Setting("deletion_protection", _false, "protection-lowered", at_creation=False),
    Setting("multi_az", _false, "protection-lowered", at_creation=False),
    Setting("skip_final_snapshot", _true, "protection-lowered", at_creation=False),
    Setting("force_destroy", _true, "protection-lowered", at_creation=False),
    Setting(
        *("status", _one_of("Suspended", "Disabled"), "protection-lowered"),
        ("aws_s3_bucket_versioning",),
        at_creation=False,
    ),
)
# With one of these on, the loss of a customer managed key leaves AWS's own.
STILL_ENCRYPTED = ("sqs_managed_sse_enabled", "storage_encrypted", "encrypted")
# Whose reason, beside the resource, makes a look of a stop.
WAIVERS = {
    "open-ingress": (
        *("restrict_ingress", "CKV_AWS_24", "CKV_AWS_25", "CKV_AWS_260"),
        "CKV_AWS_277",
    ),
    "public": (
        *(
            "no_public_access",
            "no_anonymous_principals",
            "CKV_AWS_17",
            "CKV_AWS_53",
            "CKV_AWS_54",
            "CKV_AWS_55",
        ),
        *("CKV_AWS_56", "CKV_AWS_70", "CKV_AWS_258"),
    ),
    "wildcard-allow": ("no_wildcard_permissions", "CKV_AWS_62", "CKV_AWS_63"),
    "encryption-off": (
        "require_encryption_at_rest",
        "require_bucket_encryption",
        "CKV_AWS_3",
        "CKV_AWS_16",
        "CKV_AWS_96",
    ),
}
# What is opened or uncovered by being destroyed.
GUARDS = {
    "aws_s3_bucket_public_access_block": "public",
    "aws_s3_account_public_access_block": "public",
    "aws_s3_bucket_server_side_encryption_configuration": "encryption-off",
    "aws_s3_bucket_versioning": "protection-lowered",
    "aws_cloudtrail": "protection-lowered",
    "aws_flow_log": "protection-lowered",
    "aws_config_configuration_recorder": "protection-lowered",
    "aws_wafv2_web_acl_association": "protection-lowered",
}
# Kept for a shorter time: lower is worse.
LOWERED = (
    *("backup_retention_period", "retention_in_days", "recovery_window_in_days"),
    *("deletion_window_in_days", "message_retention_seconds", "days", "noncurrent_days"),
)

# ---- costs --------------------------------------------------------------------------------------

# One of them more is money, whatever it is set to.
COSTLY = {
    "aws_autoscaling_group": "Auto Scaling group",
    "aws_db_instance": "database instance",
    "aws_db_proxy": "database proxy",
    "aws_ec2_transit_gateway": "transit gateway",
    "aws_ec2_transit_gateway_vpc_attachment": "transit gateway attachment",
    "aws_ecs_service": "ECS service",
    "aws_eip": "public address",
    "aws_eks_cluster": "EKS cluster",
    "aws_elasticache_cluster": "cache",
    "aws_elasticache_replication_group": "cache",
    "aws_fsx_windows_file_system": "file system",
    "aws_globalaccelerator_accelerator": "accelerator",
    "aws_instance": "instance",
    "aws_kinesis_stream": "stream",
    "aws_lb": "load balancer",
    "aws_msk_cluster": "stream",
    "aws_nat_gateway": "NAT gateway",
    "aws_neptune_cluster_instance": "database instance",
    "aws_opensearch_domain": "search domain",
    "aws_rds_cluster_instance": "database instance",
    "aws_redshift_cluster": "warehouse",
    "aws_vpc_endpoint": "interface endpoint",
    "aws_vpn_connection": "VPN connection",
    "aws_wafv2_web_acl": "web ACL",
}
SIZES = (
    *("instance_type", "instance_class", "node_type", "dbi_resource_class", "size"),
    *("broker_node_type",),
)
QUANTITIES = (
    *("allocated_storage", "max_allocated_storage", "volume_size", "iops", "storage_throughput"),
    *("throughput", "desired_capacity", "min_size", "max_size", "desired_count", "memory_size"),
    *("num_cache_nodes", "num_cache_clusters", "read_capacity", "write_capacity", "shard_count"),
    *("min_capacity", "max_capacity", "provisioned_concurrent_executions", "node_count"),
    *("backup_retention_period", "retention_in_days", "performance_insights_retention_period"),
    *("monitoring_interval", "number_of_broker_nodes", "instance_count", "cpu", "memory"),
)
SWITCHES = ("multi_az", "performance_insights_enabled", "monitoring", "ebs_optimized")
STORAGE = ("storage_type", "volume_type", "storage_class", "billing_mode")

# Seconds that a metric stands for cost more the fewer they are.
FEWER_COST_MORE = ("monitoring_interval",)

_STEPS = ("nano", "micro", "small", "medium", "large", "xlarge")


def size(name: str) -> tuple[str, float] | None:
    """Family and place in it of an instance type or class such as `db.r6g.2xlarge`."""
    family, _, step = name.rpartition(".")
    if not family:
        return None
    if step in _STEPS:
        return family, float(_STEPS.index(step))
    factor = step.removesuffix("xlarge")
    if step.endswith("xlarge") and factor.isdigit():
        return family, len(_STEPS) - 1 + float(factor)
    return (family, 1000.0) if step == "metal" else None


# ---- noise --------------------------------------------------------------------------------------

TAGS = ("tags", "tags_all")
# What AWS or the provider computes anew; never what somebody sets.
COMPUTED = (
    *("last_modified", "last_updated_date", "last_updated_time", "latest_version"),
    *("latest_version_number", "qualified_arn", "qualified_invoke_arn", "source_code_size"),
    *("etag", "version_id", "revision_id", "code_sha256", "output_base64sha256", "update_time"),
    *("default_version", "cluster_members", "attachment_count", "latest_restorable_time"),
    *("load_balancer_arns", "not_after", "not_before", "renewal_eligibility", "renewal_summary"),
)
# A path that says nothing as long as what lies there is the same.
PATHS = {"filename": "source_code_hash", "source": "source_hash"}


# ---- reading values -----------------------------------------------------------------------------


def flat(value: Json, path: str = "") -> dict[str, list[Json]]:
    """The values inside a resource by their path, without the places in lists."""
    found: dict[str, list[Json]] = {}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            for where, values in flat(inner, f"{path}.{name}" if path else str(name)).items():
                found.setdefault(where, []).extend(values)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for inner in value:
            for where, values in flat(inner, path).items():
                found.setdefault(where, []).extend(values)
    else:
        found[path] = [value]
    return found


def number(value: Json) -> float | None:
    """The number that a value is, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
