"""AWS Config: the recorder, its delivery and the rules."""

from __future__ import annotations

import json

import pytest

from lib.monitoring.compliance import ConfigCompliance
from lib.monitoring.config_table import CONFIG_RULES
from lib.storage.bucket import SecureBucket
from tests.support.synthesis import Synthesizer
from tests.support.template import Template
from tests.unit.conftest import UnitStack

# Identifiers of the AWS managed rules that are required, by subject.
REQUIRED = {
    "encryption": """
        S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED S3_DEFAULT_ENCRYPTION_KMS RDS_STORAGE_ENCRYPTED
        RDS_CLUSTER_ENCRYPTED_AT_REST RDS_SNAPSHOT_ENCRYPTED ENCRYPTED_VOLUMES
        EC2_EBS_ENCRYPTION_BY_DEFAULT CLOUD_TRAIL_ENCRYPTION_ENABLED SNS_ENCRYPTED_KMS
        SECRETSMANAGER_USING_CMK CLOUDWATCH_LOG_GROUP_ENCRYPTED CMK_BACKING_KEY_ROTATION_ENABLED
    """,
    "public access": """
        S3_BUCKET_PUBLIC_READ_PROHIBITED S3_BUCKET_PUBLIC_WRITE_PROHIBITED
        S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED RDS_INSTANCE_PUBLIC_ACCESS_CHECK
        RDS_SNAPSHOTS_PUBLIC_PROHIBITED LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED
        INCOMING_SSH_DISABLED VPC_DEFAULT_SECURITY_GROUP_CLOSED
    """,
    "TLS, versions and logs": """
        S3_BUCKET_SSL_REQUESTS_ONLY S3_BUCKET_VERSIONING_ENABLED VPC_FLOW_LOGS_ENABLED
        CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED CLOUD_TRAIL_CLOUD_WATCH_LOGS_ENABLED
    """,
}


@pytest.mark.parametrize("subject", REQUIRED)
def test_required_rules_exist(subject: str, tap: Template) -> None:
    rules = tap.of_type("aws_config_config_rule")
    assert {rule["source"]["owner"] for rule in rules} == {"AWS"}
    identifiers = {rule["source"]["source_identifier"] for rule in rules}
    assert {*REQUIRED[subject].split()} - identifiers == set()


def test_names_and_identifiers_are_unique() -> None:
    assert len({rule.name for rule in CONFIG_RULES}) == len(CONFIG_RULES)
    assert len({rule.identifier for rule in CONFIG_RULES}) == len(CONFIG_RULES)


def test_each_row_creates_a_rule_that_depends_on_the_recorder(tap: Template) -> None:
    status = tap.get("aws_config_configuration_recorder_status")
    rules = tap.of_type("aws_config_config_rule")
    assert [r["name"] for r in rules] == sorted(f"config-{r.name}-unit" for r in CONFIG_RULES)
    assert all(rule["depends_on"] == [status.address] for rule in rules)


def test_parameters_are_json(tap: Template) -> None:
    with_parameters = {
        rule["name"]: json.loads(rule["input_parameters"])
        for rule in tap.of_type("aws_config_config_rule")
        if "input_parameters" in rule.body
    }
    assert with_parameters == {"config-vpc-flow-logs-unit": {"trafficType": "ALL"}}


def test_recorder_records_all_resource_types(tap: Template) -> None:
    recorder = tap.get("aws_config_configuration_recorder")
    assert recorder["name"] == "config-recorder-unit"
    assert recorder["role_arn"] == tap.get("aws_iam_role", "Monitoring/Config/Role").ref("arn")
    policy = tap.get("aws_iam_role_policy", "Monitoring/Config/Role/Policy")
    assert policy.address in recorder["depends_on"]
    group = {"all_supported": True, "include_global_resource_types": True}
    assert recorder["recording_group"] == group


def test_recorder_status_depends_on_the_delivery_channel(tap: Template) -> None:
    recorder = tap.get("aws_config_configuration_recorder")
    channel = tap.get("aws_config_delivery_channel")
    status = tap.get("aws_config_configuration_recorder_status")
    assert status["name"] == recorder.ref("name")
    assert status["is_enabled"] is True
    assert status["depends_on"] == [channel.address]
    assert recorder.address in channel["depends_on"]


def test_delivery_is_encrypted_with_the_key(tap: Template) -> None:
    channel = tap.get("aws_config_delivery_channel")
    assert channel["s3_bucket_name"] == tap.get("aws_s3_bucket", "Monitoring/Audit").ref("id")
    assert channel["s3_key_prefix"] == "config"
    assert channel["s3_kms_key_arn"] == tap.get("aws_kms_key").ref("arn")


def test_role_has_permissions_for_delivery_only(tap: Template) -> None:
    bucket = tap.get("aws_s3_bucket", "Monitoring/Audit").ref("arn")
    statements = tap.get("aws_iam_role_policy", "Monitoring/Config/Role/Policy").statements()
    assert {sid: (s["Action"], s["Resource"]) for sid, s in statements.items()} == {
        "DeliverToBucket": ("s3:PutObject", f"{bucket}/config/AWSLogs/{tap.account_id}/Config/*"),
        "CheckBucketPermissions": (["s3:GetBucketAcl", "s3:ListBucket"], bucket),
        "EncryptDelivery": (
            ["kms:Decrypt", "kms:GenerateDataKey"],
            tap.get("aws_kms_key").ref("arn"),
        ),
    }


def test_recorder_and_rules_are_optional(synth: Synthesizer) -> None:
    template = synth("tap", TAP_MONITORING_CONFIG_RECORDER="false")
    for type_ in ("configuration_recorder", "delivery_channel", "config_rule"):
        template.assert_none(f"aws_config_{type_}")
    assert template.get("aws_cloudtrail")


def test_unknown_rule_is_rejected(stack: UnitStack) -> None:
    with pytest.raises(ValueError, match=r"exclude: received 's3-kmz'; accepted: names of"):
        ConfigCompliance(
            stack,
            "Config",
            context=stack.context,
            bucket=SecureBucket(stack, "Audit", context=stack.context, kind="audit"),
            exclude=("s3-kms", "s3-kmz"),
        )
