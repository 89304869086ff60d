"""Data processing: function, event source mapping, event notifications and permissions."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lib.compute.packaging import PROJECT, package_function
from tests.support.synthesis import Synthesizer
from tests.support.template import Template, listed


@pytest.fixture(scope="module")
def function(tap: Template) -> Any:
    return tap.get("aws_lambda_function", "DataProcessing")


@pytest.fixture(scope="module")
def grants(tap: Template) -> dict[str, dict[str, Any]]:
    policy = tap.get("aws_iam_role_policy", "DataProcessing/Role/Policy")
    assert policy["role"] == tap.get("aws_iam_role", "DataProcessing/Role").ref("name")
    return policy.statements()


def test_function_has_the_default_configuration(tap: Template, function: Any) -> None:
    expected = {
        "function_name": "data-processor-unit",
        "runtime": "python3.11",
        "handler": "data_processor.handler",
        "role": tap.get("aws_iam_role", "DataProcessing/Role").ref("arn"),
        "kms_key_arn": tap.get("aws_kms_key").ref("arn"),
        "memory_size": 512,
        "timeout": 300,
        "reserved_concurrent_executions": 10,
        "tracing_config": {"mode": "Active"},
    }
    assert {name: function[name] for name in expected} == expected


def test_function_is_in_the_private_subnets(tap: Template, function: Any) -> None:
    assert function["vpc_config"] == {
        "subnet_ids": [subnet.ref("id") for subnet in tap.of_type("aws_subnet")],
        "security_group_ids": [
            tap.get("aws_security_group", "DataProcessing/SecurityGroup").ref("id")
        ],
    }


def test_environment_variables_refer_to_bucket_key_and_secret(tap: Template, function: Any) -> None:
    assert function["environment"]["variables"] == {
        "DATA_BUCKET": tap.get("aws_s3_bucket", "DataProcessing/Data").ref("bucket"),
        "INCOMING_PREFIX": "incoming/",
        "PROCESSED_PREFIX": "processed/",
        "QUARANTINE_PREFIX": "quarantine/",
        "KMS_KEY_ARN": tap.get("aws_kms_key").ref("arn"),
        "DATABASE_SECRET_ARN": tap.data("aws_secretsmanager_secret").ref("arn"),
        "ENVIRONMENT_SUFFIX": "unit",
        "LOG_LEVEL": "INFO",
    }


def test_function_logs_to_its_log_group(tap: Template, function: Any) -> None:
    group = tap.get("aws_cloudwatch_log_group", "DataProcessing/Logs")
    assert group["name"] == "/aws/lambda/data-processor-unit"
    assert function["logging_config"]["log_group"] == group.ref("name")


def test_function_depends_on_its_permissions(tap: Template, function: Any) -> None:
    policy = tap.get("aws_iam_role_policy", "DataProcessing/Role/Policy")
    assert policy.address in function["depends_on"]


def test_function_is_configurable(synth: Synthesizer) -> None:
    function = synth(
        "tap",
        TAP_PROCESSING_MEMORY_MB="2048",
        TAP_PROCESSING_TIMEOUT_SECONDS="60",
        TAP_PROCESSING_RESERVED_CONCURRENCY="-1",
        TAP_PROCESSING_LOG_LEVEL="DEBUG",
        TAP_PROCESSING_DATABASE_CA_BUNDLE="/opt/ca.pem",
    ).get("aws_lambda_function")
    assert function["memory_size"] == 2048
    assert function["timeout"] == 60
    assert function["reserved_concurrent_executions"] == -1
    variables = function["environment"]["variables"]
    assert variables["LOG_LEVEL"] == "DEBUG"
    assert variables["DATABASE_CA_BUNDLE"] == "/opt/ca.pem"


def test_queue_is_the_event_source_of_the_function(tap: Template, function: Any) -> None:
    source = tap.get("aws_lambda_event_source_mapping")
    expected = {
        "event_source_arn": tap.get("aws_sqs_queue", "DataProcessing/Queue").ref("arn"),
        "function_name": function.ref("arn"),
        "enabled": True,
        "batch_size": 5,
        "maximum_batching_window_in_seconds": 0,
        "function_response_types": ["ReportBatchItemFailures"],
        "scaling_config": {"maximum_concurrency": 8},
    }
    assert {name: source[name] for name in expected} == expected


def test_event_source_mapping_is_configurable(synth: Synthesizer) -> None:
    source = synth(
        "tap",
        TAP_PROCESSING_RESERVED_CONCURRENCY="-1",
        TAP_PROCESSING_MAXIMUM_CONCURRENCY="1000",
        TAP_PROCESSING_BATCH_SIZE="100",
        TAP_PROCESSING_BATCHING_WINDOW_SECONDS="2",
    ).get("aws_lambda_event_source_mapping")
    assert source["scaling_config"] == {"maximum_concurrency": 1000}
    assert source["batch_size"] == 100
    assert source["maximum_batching_window_in_seconds"] == 2


def test_event_source_mapping_of_a_stopped_function_is_disabled(synth: Synthesizer) -> None:
    template = synth("tap", TAP_PROCESSING_RESERVED_CONCURRENCY="0")
    assert template.get("aws_lambda_event_source_mapping")["enabled"] is False


def test_event_notifications_of_incoming_objects_are_sent_to_the_queue(tap: Template) -> None:
    bucket = tap.get("aws_s3_bucket", "DataProcessing/Data")
    notification = tap.get("aws_s3_bucket_notification")
    assert notification["bucket"] == bucket.ref("id")
    assert notification["queue"] == [
        {
            "id": "created",
            "queue_arn": tap.get("aws_sqs_queue", "DataProcessing/Queue").ref("arn"),
            "events": ["s3:ObjectCreated:*"],
            "filter_prefix": "incoming/",
        }
    ]
    policy = tap.get("aws_sqs_queue_policy", "DataProcessing/Queue/Policy")
    assert notification["depends_on"] == [policy.address]


def test_function_writes_under_prefixes_without_event_notifications(
    tap: Template, function: Any
) -> None:
    (queue,) = tap.get("aws_s3_bucket_notification")["queue"]
    variables = function["environment"]["variables"]
    for name in ("PROCESSED_PREFIX", "QUARANTINE_PREFIX"):
        assert not variables[name].startswith(queue["filter_prefix"])
    assert variables["INCOMING_PREFIX"] == queue["filter_prefix"]


def test_package_contains_the_code_of_the_repository(
    synth: Synthesizer, function: Any, tmp_path: Path
) -> None:
    package = package_function((PROJECT / "lambda"), tmp_path)
    assert function["source_code_hash"] == package.source_code_hash
    (synthesized,) = {
        file.read_bytes() for file in synth.directory.glob(f"*/stacks/tap/{function['filename']}")
    }
    assert synthesized == package.path.read_bytes()
    assert (
        base64.b64encode(hashlib.sha256(synthesized).digest()).decode()
        == (function["source_code_hash"])
    )


def test_package_contains_the_handler(function: Any, tmp_path: Path) -> None:
    module, _, name = function["handler"].partition(".")
    with zipfile.ZipFile(package_function((PROJECT / "lambda"), tmp_path).path) as archive:
        assert f"def {name}(" in archive.read(f"{module}.py").decode()


def test_only_the_metadata_of_the_secret_is_read(tap: Template) -> None:
    secret = tap.data("aws_secretsmanager_secret", "DataProcessing/DatabaseSecret")
    assert secret["arn"] == tap.get("aws_secretsmanager_secret").ref("arn")
    assert "aws_secretsmanager_secret_version" not in tap.document["data"]


def test_role_has_permissions_for_its_resources_only(
    tap: Template, grants: dict[str, dict[str, Any]]
) -> None:
    bucket = tap.get("aws_s3_bucket", "DataProcessing/Data").ref("arn")
    logs = tap.get("aws_cloudwatch_log_group", "DataProcessing/Logs").ref("arn")
    allowed = {
        sid: (listed(s["Action"]), s["Resource"])
        for sid, s in grants.items()
        if s["Effect"] == "Allow" and s["Resource"] != "*"
    }
    assert allowed == {
        "ReadResults": (["s3:GetObject", "s3:GetObjectVersion"], f"{bucket}/incoming/*"),
        "ListBucket": (["s3:ListBucket"], bucket),
        "WriteSummaries": (["s3:PutObject"], f"{bucket}/processed/*"),
        "WriteQuarantine": (["s3:PutObject"], f"{bucket}/quarantine/*"),
        "ConsumeQueue": (
            [
                *("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
                "sqs:ChangeMessageVisibility",
            ],
            tap.get("aws_sqs_queue", "DataProcessing/Queue").ref("arn"),
        ),
        "UseKey": (["kms:Decrypt", "kms:GenerateDataKey"], tap.get("aws_kms_key").ref("arn")),
        "ReadDatabaseSecret": (
            ["secretsmanager:GetSecretValue"],
            tap.data("aws_secretsmanager_secret").ref("arn"),
        ),
        "WriteLogs": (["logs:CreateLogStream", "logs:PutLogEvents"], f"{logs}:*"),
    }


def test_only_actions_without_resources_are_allowed_on_all_resources(
    grants: dict[str, dict[str, Any]],
) -> None:
    unrestricted = {
        action
        for s in grants.values()
        if s["Effect"] == "Allow" and s["Resource"] == "*"
        for action in listed(s["Action"])
    }
    assert unrestricted == {
        *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
        *("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
        *("ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses"),
        "ec2:UnassignPrivateIpAddresses",
    }


def test_code_of_the_function_cannot_change_network_interfaces(
    tap: Template, grants: dict[str, dict[str, Any]]
) -> None:
    denied = grants["DenyNetworkToCode"]
    arn = f"arn:aws:lambda:us-east-1:{tap.account_id}:function:data-processor-unit"
    assert denied["Effect"] == "Deny"
    assert denied["Action"] == grants["AttachToNetwork"]["Action"]
    assert denied["Resource"] == "*"
    assert denied["Condition"] == {"ArnEquals": {"lambda:SourceFunctionArn": arn}}


def test_role_uses_the_key_via_services_only(grants: dict[str, dict[str, Any]]) -> None:
    conditions = {
        sid: s["Condition"]
        for sid, s in grants.items()
        if s["Effect"] == "Allow" and "Condition" in s
    }
    assert conditions == {
        "UseKey": {
            "StringEquals": {
                "kms:ViaService": [
                    "s3.us-east-1.amazonaws.com",
                    "secretsmanager.us-east-1.amazonaws.com",
                    "sqs.us-east-1.amazonaws.com",
                    "lambda.us-east-1.amazonaws.com",
                ]
            }
        },
    }


def test_function_cannot_read_the_pending_password(tap: Template) -> None:
    statements = tap.get("aws_iam_role_policy", "DataProcessing/Role/Policy").statements()
    denied = {
        sid: (s["Action"], s["Condition"])
        for sid, s in statements.items()
        if s["Effect"] == "Deny" and "secretsmanager" in str(s["Action"])
    }
    read = "secretsmanager:GetSecretValue"
    assert denied == {
        "DenyOtherStagingLabels": (
            read,
            {"ForAnyValue:StringNotEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}},
        ),
        "DenySecretVersions": (read, {"Null": {"secretsmanager:VersionId": "false"}}),
    }


def test_function_has_no_resource_policy_and_no_url(tap: Template) -> None:
    """Lambda polls the queue with the role of the function, without a resource policy."""
    tap.assert_none("aws_lambda_permission")
    tap.assert_none("aws_lambda_function_url")


def test_security_group_depends_on_the_permissions(tap: Template) -> None:
    """Lambda deletes its network interfaces with the role, long after the function."""
    policy = tap.get("aws_iam_role_policy", "DataProcessing/Role/Policy").address
    group = tap.get("aws_security_group", "DataProcessing/SecurityGroup")
    assert policy in group["depends_on"]


def test_function_depends_on_the_published_secret(tap: Template) -> None:
    current = tap.get("aws_secretsmanager_secret_version", "DatabaseSecret/Current").address
    assert current in tap.get("aws_lambda_function")["depends_on"]
