"""The deployed buckets: their settings, and requests that their policies allow or deny."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.conftest import Environment, refused

BUCKETS = (
    "data_bucket_name",
    "access_logs_bucket_name",
    "flow_logs_bucket_name",
    "audit_bucket_name",
)


@pytest.fixture(params=BUCKETS)
def bucket(request: pytest.FixtureRequest, environment: Environment) -> str:
    return str(environment.outputs[request.param])


def s3_as(environment: Environment, **context: str | None) -> Any:
    """An S3 client whose requests have these condition keys."""
    return environment.client("s3", condition_keys=context)


def test_default_encryption_uses_the_customer_managed_key(
    environment: Environment, bucket: str
) -> None:
    answer = environment.client("s3").get_bucket_encryption(Bucket=bucket)
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": environment.outputs["kms_key_arn"],
    }
    # A bucket key would replace CloudTrail's encryption context.
    assert rule["BucketKeyEnabled"] is (bucket != environment.outputs["audit_bucket_name"])


def test_access_logs_can_be_encrypted_with_sse_s3(custom_environment: Environment) -> None:
    answer = custom_environment.client("s3").get_bucket_encryption(
        Bucket=custom_environment.outputs["access_logs_bucket_name"]
    )
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_versioning_is_enabled(environment: Environment, bucket: str) -> None:
    assert environment.client("s3").get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_public_access_is_blocked(environment: Environment, bucket: str) -> None:
    answer = environment.client("s3").get_public_access_block(Bucket=bucket)
    assert set(answer["PublicAccessBlockConfiguration"].values()) == {True}


def test_acls_are_disabled(environment: Environment, bucket: str) -> None:
    answer = environment.client("s3").get_bucket_ownership_controls(Bucket=bucket)
    assert answer["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_noncurrent_versions_and_incomplete_uploads_expire(
    environment: Environment, bucket: str
) -> None:
    # Objects do not expire in the emulator: the test reads the lifecycle rules.
    rules = environment.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    by_id = {rule["ID"]: rule for rule in rules}
    assert all(rule["Status"] == "Enabled" for rule in rules)
    rule = by_id["versions-and-uploads"]
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90
    assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7


@pytest.mark.parametrize("output", [name for name in BUCKETS if name != "access_logs_bucket_name"])
def test_access_is_logged(environment: Environment, output: str) -> None:
    logging = environment.client("s3").get_bucket_logging(Bucket=environment.outputs[output])
    target = logging["LoggingEnabled"]["TargetBucket"]
    assert target == environment.outputs["access_logs_bucket_name"]


def test_plain_http_is_refused(environment: Environment, bucket: str) -> None:
    client = s3_as(environment, **{"aws:SecureTransport": "false"})
    assert refused(client.put_object, Bucket=bucket, Key="incoming/a", Body=b"")
    assert refused(client.get_object, Bucket=bucket, Key="incoming/a")


def test_tls_before_1_2_is_refused(environment: Environment, bucket: str) -> None:
    client = s3_as(environment, **{"s3:TlsVersion": "1.1"})
    assert refused(client.put_object, Bucket=bucket, Key="incoming/a", Body=b"")


def test_uploads_with_other_encryption_are_refused(environment: Environment, bucket: str) -> None:
    put = environment.client("s3").put_object
    wrong: list[dict[str, str]] = [
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:us-east-1:1:key/other"},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
    ]
    for headers in wrong:
        assert refused(put, Bucket=bucket, Key="incoming/a", Body=b"", **headers), headers


def test_upload_without_encryption_headers_is_encrypted_with_the_key(
    environment: Environment,
) -> None:
    client, bucket = environment.client("s3"), environment.outputs["data_bucket_name"]
    client.put_object(Bucket=bucket, Key="incoming/unnamed", Body=b"x")
    found = client.head_object(Bucket=bucket, Key="incoming/unnamed")
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"] == environment.outputs["kms_key_arn"]


def test_deletion_requires_recent_mfa(environment: Environment, bucket: str) -> None:
    key = {"Bucket": bucket, "Key": "incoming/kept"}
    environment.client("s3").put_object(**key, Body=b"x")
    assert refused(environment.client("s3").delete_object, **key)
    old = s3_as(environment, **{"aws:MultiFactorAuthAge": "3700"})
    assert refused(old.delete_object, **key)
    assert environment.client("s3").head_object(**key)
    fresh = s3_as(environment, **{"aws:MultiFactorAuthAge": "60"})
    assert not refused(fresh.delete_object, **key)
