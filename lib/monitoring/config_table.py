"""AWS managed rules for AWS Config, as a table. It imports no bindings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ConfigRule:
    """One row: the name, and the identifier and parameters of an AWS managed rule.

    https://docs.aws.amazon.com/config/latest/developerguide/managed-rules-by-aws-config.html
    """

    name: str
    identifier: str
    parameters: Mapping[str, str] = field(default_factory=dict)


CONFIG_RULES = (
    # Encryption at rest
    ConfigRule("s3-encryption", "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED"),
    ConfigRule("s3-kms", "S3_DEFAULT_ENCRYPTION_KMS"),
    ConfigRule("rds-storage-encrypted", "RDS_STORAGE_ENCRYPTED"),
    ConfigRule("rds-cluster-encrypted", "RDS_CLUSTER_ENCRYPTED_AT_REST"),
    ConfigRule("rds-snapshot-encrypted", "RDS_SNAPSHOT_ENCRYPTED"),
    ConfigRule("volumes-encrypted", "ENCRYPTED_VOLUMES"),
    ConfigRule("volume-encryption-by-default", "EC2_EBS_ENCRYPTION_BY_DEFAULT"),
    ConfigRule("cloudtrail-encrypted", "CLOUD_TRAIL_ENCRYPTION_ENABLED"),
    ConfigRule("sns-encrypted", "SNS_ENCRYPTED_KMS"),
    ConfigRule("secrets-customer-key", "SECRETSMANAGER_USING_CMK"),
    ConfigRule("log-groups-encrypted", "CLOUDWATCH_LOG_GROUP_ENCRYPTED"),
    ConfigRule("key-rotation", "CMK_BACKING_KEY_ROTATION_ENABLED"),
    # Public access
    ConfigRule("s3-public-read", "S3_BUCKET_PUBLIC_READ_PROHIBITED"),
    ConfigRule("s3-public-write", "S3_BUCKET_PUBLIC_WRITE_PROHIBITED"),
    ConfigRule("s3-public-access-block", "S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED"),
    ConfigRule("rds-public-access", "RDS_INSTANCE_PUBLIC_ACCESS_CHECK"),
    ConfigRule("rds-public-snapshots", "RDS_SNAPSHOTS_PUBLIC_PROHIBITED"),
    ConfigRule("lambda-public-access", "LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED"),
    ConfigRule("ssh-from-anywhere", "INCOMING_SSH_DISABLED"),
    ConfigRule("default-security-group", "VPC_DEFAULT_SECURITY_GROUP_CLOSED"),
    # TLS, versions and logs
    ConfigRule("s3-tls-only", "S3_BUCKET_SSL_REQUESTS_ONLY"),
    ConfigRule("s3-versioning", "S3_BUCKET_VERSIONING_ENABLED"),
    ConfigRule("vpc-flow-logs", "VPC_FLOW_LOGS_ENABLED", {"trafficType": "ALL"}),
    ConfigRule("cloudtrail-validation", "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED"),
    ConfigRule("cloudtrail-cloudwatch", "CLOUD_TRAIL_CLOUD_WATCH_LOGS_ENABLED"),
)
