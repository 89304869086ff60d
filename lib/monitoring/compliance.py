"""The AWS Config recorder and managed rules, as a table."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cdktf_cdktf_provider_aws.config_config_rule import (
    ConfigConfigRule,
    ConfigConfigRuleSource,
)
from cdktf_cdktf_provider_aws.config_configuration_recorder import (
    ConfigConfigurationRecorder,
    ConfigConfigurationRecorderRecordingGroup,
)
from cdktf_cdktf_provider_aws.config_configuration_recorder_status import (
    ConfigConfigurationRecorderStatus,
)
from cdktf_cdktf_provider_aws.config_delivery_channel import ConfigDeliveryChannel
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Conditions, Statement
from lib.security.key import KEY_WRITE
from lib.security.roles import ServiceRole
from lib.storage.bucket import SecureBucket

PREFIX = "config"


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


class ConfigCompliance(Construct):
    """Creates the AWS Config recorder, its delivery to a bucket, and the rules of `CONFIG_RULES`.

    An account has one recorder per Region. `exclude` contains names of rows that are not created;
    an unknown name raises `ValueError`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        bucket: SecureBucket,
        exclude: Collection[str] = (),
    ) -> None:
        super().__init__(scope, id_)
        account, key = context.account, context.key
        objects = f"{PREFIX}/AWSLogs/{account.id}/Config/"
        from_account: Conditions = {"StringEquals": {"aws:SourceAccount": account.id}}
        key.allow_service(
            "config", sid="AllowAWSConfigDelivery", actions=KEY_WRITE, conditions=from_account
        )
        bucket.allow_service_to_write(
            "config",
            sid="AWSConfigBucketDelivery",
            prefix=objects,
            check_sid="AWSConfigBucketPermissionsCheck",
            bucket_actions=("s3:GetBucketAcl", "s3:ListBucket"),
            conditions=from_account,
        )
        role = ServiceRole(
            self,
            "Role",
            context=context,
            kind="config-role",
            assumed_by="config",
            description="Lets AWS Config read configurations and deliver them",
            managed_policy="service-role/AWS_ConfigRole",
            require_source_account=True,
        )
        role.grant(
            Statement(
                sid="DeliverToBucket",
                actions=("s3:PutObject",),
                resources=(f"{bucket.arn}/{objects}*",),
            ),
            Statement(
                sid="CheckBucketPermissions",
                actions=("s3:GetBucketAcl", "s3:ListBucket"),
                resources=(bucket.arn,),
            ),
            Statement(
                sid="EncryptDelivery",
                actions=("kms:Decrypt", "kms:GenerateDataKey"),
                resources=(key.arn,),
            ),
        )
        recorder = ConfigConfigurationRecorder(
            self,
            "Resource",
            name=context.name("config-recorder"),
            role_arn=role.arn,
            recording_group=ConfigConfigurationRecorderRecordingGroup(
                all_supported=True, include_global_resource_types=True
            ),
            depends_on=role.permissions,
        )
        channel = ConfigDeliveryChannel(
            self,
            "Channel",
            name=context.name("config-channel"),
            s3_bucket_name=bucket.bucket.id,
            s3_key_prefix=PREFIX,
            s3_kms_key_arn=key.arn,
            depends_on=[recorder, bucket.policy],
        )
        status = ConfigConfigurationRecorderStatus(
            self, "Status", name=recorder.name, is_enabled=True, depends_on=[channel]
        )
        for row in _selected(exclude):
            ConfigConfigRule(
                self,
                row.name,
                name=context.name(f"config-{row.name}"),
                source=ConfigConfigRuleSource(owner="AWS", source_identifier=row.identifier),
                input_parameters=json.dumps(dict(row.parameters)) if row.parameters else None,
                tags=context.name_tag(f"config-{row.name}"),
                depends_on=[status],
            )


def _selected(exclude: Collection[str]) -> list[ConfigRule]:
    unknown = sorted({*exclude} - {row.name for row in CONFIG_RULES})
    if unknown:
        raise ValueError(
            f"TAP_MONITORING_CONFIG_RULES_OFF: received {','.join(unknown)!r}; accepted: names"
            f" among {', '.join(row.name for row in CONFIG_RULES)}. Correct the name."
        )
    return [row for row in CONFIG_RULES if row.name not in exclude]
