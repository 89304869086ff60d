"""Buckets: encryption, bucket policy, lifecycle and access log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

from lib.iam_policy import Statement, service
from lib.security.key import ExistingKey, Key
from lib.storage.bucket import Retention, SecureBucket
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template, belonging
from tests.unit.conftest import UnitStack

SSE = "s3:x-amz-server-side-encryption"
BUCKETS = {
    "AccessLogs": "access-logs",
    "Network/FlowLogs": "flow-logs",
    "DataProcessing/Data": "data",
    "Monitoring/Audit": "audit-logs",
}
BASE = {"DenyPlainHttp", "DenyOldTls", "DenyOtherEncryption", "DenyCustomerProvidedKeys"}
MFA = {"DenyDeletionWithoutMfa", "DenyDeletionWithOldMfa"}


def policy(template: Template, path: str) -> dict[str, dict[str, Any]]:
    return template.get("aws_s3_bucket_policy", f"{path}/Policy").statements()


def rules(template: Template, path: str) -> dict[str, dict[str, Any]]:
    lifecycle = template.get("aws_s3_bucket_lifecycle_configuration", f"{path}/Lifecycle")
    return {rule["id"]: rule for rule in lifecycle["rule"]}


def test_platform_has_no_other_buckets(tap: Template) -> None:
    assert {bucket.path for bucket in tap.of_type("aws_s3_bucket")} == {*BUCKETS}


@pytest.mark.parametrize("path", BUCKETS)
def test_name_ends_with_the_account_id(path: str, tap: Template) -> None:
    bucket = tap.get("aws_s3_bucket", path)
    assert bucket["bucket"] == f"{BUCKETS[path]}-unit-{tap.account_id}"
    assert bucket["force_destroy"] is True
    assert bucket["tags"] == {"Name": f"{BUCKETS[path]}-unit"}


@pytest.mark.parametrize("path", BUCKETS)
def test_bucket_is_encrypted_with_the_key(path: str, tap: Template) -> None:
    (encryption,) = belonging(
        tap,
        tap.get("aws_s3_bucket", path),
        "aws_s3_bucket_server_side_encryption_configuration",
    )
    assert encryption["rule"] == [
        {
            "apply_server_side_encryption_by_default": {
                "sse_algorithm": "aws:kms",
                "kms_master_key_id": tap.get("aws_kms_key").ref("arn"),
            },
            # A bucket key replaces the encryption context that the key policy requires.
            "bucket_key_enabled": path != "Monitoring/Audit",
        }
    ]


@pytest.mark.parametrize("path", BUCKETS)
def test_bucket_policy_denies_insecure_requests(path: str, tap: Template) -> None:
    statements = policy(tap, path)
    bucket, key = tap.get("aws_s3_bucket", path), tap.get("aws_kms_key").ref("arn")
    objects = f"{bucket.ref('arn')}/*"
    everything = [bucket.ref("arn"), objects]
    other = {SSE: "aws:kms"}
    if path == "Monitoring/Audit":
        # CloudTrail may encrypt digest files with SSE-S3.
        other["aws:PrincipalServiceName"] = "cloudtrail.amazonaws.com"
    deletion = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    expected = {
        "DenyPlainHttp": ("s3:*", everything, {"Bool": {"aws:SecureTransport": "false"}}),
        "DenyOldTls": ("s3:*", everything, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
        "DenyOtherEncryption": (
            "s3:PutObject",
            objects,
            {"StringNotEquals": other, "Null": {SSE: "false"}},
        ),
        "DenyOtherKeys": (
            "s3:PutObject",
            objects,
            {
                "StringNotEquals": {f"{SSE}-aws-kms-key-id": key},
                "Null": {f"{SSE}-aws-kms-key-id": "false"},
            },
        ),
        "DenyCustomerProvidedKeys": (
            "s3:PutObject",
            objects,
            {"Null": {f"{SSE}-customer-algorithm": "false"}},
        ),
        "DenyDeletionWithoutMfa": (deletion, objects, {"Null": {"aws:MultiFactorAuthAge": "true"}}),
        "DenyDeletionWithOldMfa": (
            deletion,
            objects,
            {"NumericGreaterThan": {"aws:MultiFactorAuthAge": "3600"}},
        ),
    }
    denied = {sid: s for sid, s in statements.items() if s["Effect"] == "Deny"}
    assert denied == {
        sid: {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": action,
            "Resource": resource,
            "Condition": condition,
        }
        for sid, (action, resource, condition) in expected.items()
    }


WRITERS = {
    "AccessLogs": {"S3ServerAccessLogsPolicy": ("logging.s3", "*")},
    "Network/FlowLogs": {
        "AWSLogDeliveryWrite": ("delivery.logs", "AWSLogs/ID/*"),
        "AllowFlowLogsWithoutAcl": ("delivery.logs", "AWSLogs/ID/*"),
    },
    "DataProcessing/Data": {},
    "Monitoring/Audit": {
        "AWSCloudTrailWrite": ("cloudtrail", "cloudtrail/AWSLogs/ID/*"),
        "AWSConfigBucketDelivery": ("config", "config/AWSLogs/ID/Config/*"),
    },
}
# The statement of the write that each check precedes.
WRITE_OF = {
    "AWSLogDeliveryAclCheck": "AWSLogDeliveryWrite",
    "AWSCloudTrailAclCheck": "AWSCloudTrailWrite",
    "AWSConfigBucketPermissionsCheck": "AWSConfigBucketDelivery",
}
BUCKET_ACTIONS = {
    "AWSLogDeliveryAclCheck": ["s3:GetBucketAcl", "s3:ListBucket"],
    "AWSCloudTrailAclCheck": "s3:GetBucketAcl",
    "AWSConfigBucketPermissionsCheck": ["s3:GetBucketAcl", "s3:ListBucket"],
}


@pytest.mark.parametrize("path", BUCKETS)
def test_bucket_policy_allows_log_delivery_only(path: str, tap: Template) -> None:
    bucket = tap.get("aws_s3_bucket", path).ref("arn")
    allowed = {sid: s for sid, s in policy(tap, path).items() if s["Effect"] == "Allow"}
    writes = {sid: s for sid, s in allowed.items() if s["Action"] == "s3:PutObject"}
    assert {sid: (s["Principal"], s["Action"], s["Resource"]) for sid, s in writes.items()} == {
        sid: (
            {"Service": f"{name}.amazonaws.com"},
            "s3:PutObject",
            f"{bucket}/{prefix}".replace("ID", tap.account_id),
        )
        for sid, (name, prefix) in WRITERS[path].items()
    }
    for sid in allowed.keys() - writes.keys():
        assert allowed[sid]["Action"] == BUCKET_ACTIONS[sid]
        assert allowed[sid]["Resource"] == bucket
        assert allowed[sid]["Principal"] == writes[WRITE_OF[sid]]["Principal"]


@pytest.mark.parametrize("path", [path for path in BUCKETS if path != "AccessLogs"])
def test_access_log_has_the_prefix_of_the_bucket(path: str, tap: Template) -> None:
    (log,) = belonging(tap, tap.get("aws_s3_bucket", path), "aws_s3_bucket_logging")
    assert log["target_bucket"] == tap.get("aws_s3_bucket", "AccessLogs").ref("id")
    assert log["target_prefix"] == f"{BUCKETS[path]}/"
    assert log["depends_on"] == [tap.get("aws_s3_bucket_policy", "AccessLogs/Policy").address]


def test_access_logs_bucket_has_no_access_log(tap: Template) -> None:
    bucket = tap.get("aws_s3_bucket", "AccessLogs")
    assert belonging(tap, bucket, "aws_s3_bucket_logging") == []


@pytest.mark.parametrize("path", BUCKETS)
def test_noncurrent_versions_and_incomplete_uploads_expire(path: str, tap: Template) -> None:
    rule = rules(tap, path)["versions-and-uploads"]
    assert rule["status"] == "Enabled"
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 90}]
    assert rule["abort_incomplete_multipart_upload"] == [{"days_after_initiation": 7}]


@pytest.mark.parametrize("path", BUCKETS)
def test_log_objects_expire_and_data_objects_are_transitioned(
    path: str, synth: Synthesizer
) -> None:
    template = synth(
        "tap",
        TAP_STORAGE_LOG_EXPIRATION_DAYS="120",
        TAP_STORAGE_INFREQUENT_ACCESS_DAYS="45",
        TAP_STORAGE_NONCURRENT_VERSION_DAYS="11",
        TAP_STORAGE_INCOMING_EXPIRATION_DAYS="30",
        TAP_STORAGE_QUARANTINE_EXPIRATION_DAYS="60",
    )
    found = rules(template, path)
    assert found.pop("versions-and-uploads")["noncurrent_version_expiration"] == [
        {"noncurrent_days": 11}
    ]
    if path == "DataProcessing/Data":
        for prefix, days in (("incoming", 30), ("quarantine", 60)):
            rule = found.pop(f"{prefix}-expiration")
            assert rule["filter"] == [{"prefix": f"{prefix}/"}]
            assert rule["expiration"] == [{"days": days}]
        assert [*found] == ["infrequent-access"]
        transition = [{"days": 45, "storage_class": "STANDARD_IA"}]
        assert found["infrequent-access"]["transition"] == transition
    else:
        assert [*found] == ["expiration"]
        assert found["expiration"]["expiration"] == [{"days": 120}]


def test_lifecycle_depends_on_versioning(tap: Template) -> None:
    for path in BUCKETS:
        lifecycle = tap.get("aws_s3_bucket_lifecycle_configuration", f"{path}/Lifecycle")
        versioning = tap.get("aws_s3_bucket_versioning", f"{path}/Versioning")
        assert lifecycle["depends_on"] == [versioning.address]


def test_access_logs_bucket_can_use_sse_s3(synth: Synthesizer) -> None:
    template = synth("tap", TAP_STORAGE_ACCESS_LOGS_ENCRYPTION="s3")
    encryption = "aws_s3_bucket_server_side_encryption_configuration"
    (rule,) = template.get(encryption, "AccessLogs/Encryption")["rule"]
    assert rule == {
        "apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"},
        "bucket_key_enabled": False,
    }
    statements = policy(template, "AccessLogs")
    assert {*statements} == BASE | MFA | {"S3ServerAccessLogsPolicy"}
    assert statements["DenyOtherEncryption"]["Condition"]["StringNotEquals"] == {SSE: "AES256"}


def bucket(stack: UnitStack, encryption: Key | Literal["s3"] = "s3", **given: Any) -> SecureBucket:
    return SecureBucket(
        stack,
        "Bucket",
        context=stack.context,
        kind="some",
        encryption=encryption,
        retention=Retention(noncurrent_version_days=3),
        access_log=False,
        **given,
    )


def test_bucket_by_default_has_no_expiration_and_no_mfa_requirement(stack: UnitStack) -> None:
    bucket(stack)
    template = stack.template()
    assert {*rules(template, "Bucket")} == {"versions-and-uploads"}
    assert {*policy(template, "Bucket")} == BASE
    template.assert_none("aws_s3_bucket_logging")


def test_bucket_can_be_encrypted_with_an_existing_key(stack: UnitStack) -> None:
    arn = "arn:aws:kms:us-east-1:123456789012:key/1"
    bucket(stack, ExistingKey(arn))
    template = stack.template()
    (rule,) = template.get(
        "aws_s3_bucket_server_side_encryption_configuration", "Bucket/Encryption"
    )["rule"]
    assert rule["apply_server_side_encryption_by_default"]["kms_master_key_id"] == arn
    condition = policy(template, "Bucket")["DenyOtherKeys"]["Condition"]
    assert condition["StringNotEquals"] == {f"{SSE}-aws-kms-key-id": arn}


def test_name_can_be_given(stack: UnitStack) -> None:
    bucket(stack, name="my-own-name")
    assert stack.template().get("aws_s3_bucket", "Bucket")["bucket"] == "my-own-name"


def test_statements_are_in_the_order_of_the_calls(stack: UnitStack) -> None:
    created = bucket(stack)
    created.allow(Statement(sid="Extra", principals=service("x"), actions=("s3:GetObject",)))
    created.allow_service_to_write("y", sid="LogsWrites", conditions={})
    created.require_mfa_for_deletion()
    sids = [*policy(stack.template(), "Bucket")]
    assert sids[len(BASE) :] == ["Extra", "LogsWrites", *sorted(MFA, reverse=True)]


def test_service_can_check_the_bucket_before_it_writes(stack: UnitStack) -> None:
    created = bucket(stack)
    conditions = {"StringEquals": {"aws:SourceAccount": "1"}}
    created.allow_service_to_write(
        "y",
        sid="LogsWrite",
        prefix="p/",
        check_sid="LogsCheck",
        bucket_actions=("s3:ListBucket",),
        conditions=conditions,
    )
    template = stack.template()
    arn = template.get("aws_s3_bucket", "Bucket").ref("arn")
    statements = policy(template, "Bucket")
    assert statements["LogsCheck"]["Resource"] == arn
    assert statements["LogsWrite"]["Resource"] == f"{arn}/p/*"
    assert {
        s["Condition"]["StringEquals"]["aws:SourceAccount"]
        for s in map(statements.get, ("LogsCheck", "LogsWrite"))
        if s
    } == {"1"}


def suppressed(resource: Resource) -> set[str]:
    return {*resource.suppressions}


def test_suppressions_depend_on_the_encryption(stack_with: Callable[..., UnitStack]) -> None:
    stack = stack_with()
    _ = stack.context
    bucket(stack)
    template = stack.template()
    with_key = suppressed(template.get("aws_s3_bucket", "AccessLogs"))
    without_key = suppressed(template.get("aws_s3_bucket", "Bucket"))
    assert "CKV_AWS_145" not in with_key
    assert "CKV_AWS_145" in without_key
    assert "CKV2_AWS_62" in with_key


def test_buckets_without_event_notifications_suppress_the_check(tap: Template) -> None:
    without_notifications = {
        b.path for b in tap.of_type("aws_s3_bucket") if "CKV2_AWS_62" in suppressed(b)
    }
    assert without_notifications == {*BUCKETS} - {"DataProcessing/Data"}
