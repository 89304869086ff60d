"""The AWS Config recorder and the rules of the table."""

from __future__ import annotations

import json
from collections.abc import Collection

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
from lib.monitoring.config_table import CONFIG_RULES, ConfigRule
from lib.security.key import KEY_WRITE
from lib.security.roles import ServiceRole
from lib.storage.bucket import SecureBucket

PREFIX = "config"


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
            f"exclude: received {','.join(unknown)!r}; accepted: names of CONFIG_RULES"
            f" ({', '.join(row.name for row in CONFIG_RULES)}). Correct the name."
        )
    return [row for row in CONFIG_RULES if row.name not in exclude]
