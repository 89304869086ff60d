"""Checks for resources that are destroyed, replaced or no longer managed."""

from __future__ import annotations

from collections.abc import Iterator

from tools.plan_review.comparison import format_difference
from tools.plan_review.findings import Evidence
from tools.plan_review.model import Action, Change

# How the names of resource types of the providers begin that the rules know.
EXAMINED_PROVIDERS = ("aws_", "random_")
# Resource types that store data or state, with the word for them in reports.
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
# Types whose value changes by replacement, with the rule that applies; AWS keeps the old version,
# or the value can be derived again.
REPLACED_TO_UPDATE = {
    "aws_secretsmanager_secret_version": "secret-changed",
    "aws_ssm_parameter": "secret-changed",
    "aws_s3_object": "replaced",
}


def destroyed_or_replaced(change: Change) -> Iterator[Evidence]:
    """Yield that a resource is destroyed, replaced or forgotten, and why."""
    if change.action is Action.FORGET:
        yield Evidence("forgotten", change.reason)
    elif change.action is Action.REPLACE:
        rule = "stateful-replaced" if change.type in STATEFUL else "replaced"
        rule = REPLACED_TO_UPDATE.get(change.type, rule)
        yield Evidence(rule, change.reason, tuple(_forcing_attributes(change)))
    elif change.action is Action.DELETE:
        rule = "stateful-destroyed" if change.type in STATEFUL else "destroyed"
        yield Evidence(rule, change.reason, tuple(_forcing_attributes(change)))


def other_provider(change: Change) -> Iterator[Evidence]:
    """Yield that a resource changes whose arguments the other rules do not examine."""
    changes = change.action not in (Action.NONE, Action.READ)
    if changes and not change.type.startswith(EXAMINED_PROVIDERS):
        yield Evidence("other-provider", f"no rule examines {change.type}")


def _forcing_attributes(change: Change) -> Iterator[str]:
    """Yield the attributes that force a replacement, each as `path: before → after`."""
    for path in change.forced_by:
        name = path.partition(".")[0].partition("[")[0]
        yield format_difference(path, change.before.get(name), change.after.get(name))
