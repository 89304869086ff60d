"""Authorization in the emulator: bucket policies, and identity policies of issued access keys."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.emulator_resources import allow, error_code, role
from tools.emulator import Emulator


@pytest.fixture(scope="module")
def emulator(fresh_emulator: Emulator) -> Emulator:
    return fresh_emulator


@pytest.fixture(scope="module")
def protected(emulator: Emulator) -> str:
    """A bucket that denies plain HTTP, old TLS, other encryption and deletion without MFA."""
    name = "protected"
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    objects = f"arn:aws:s3:::{name}/*"

    def deny(actions: list[str], **condition: dict[str, str]) -> dict[str, Any]:
        statement = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": objects}
        return statement | {"Condition": condition}

    statements = [
        deny(["s3:*"], Bool={"aws:SecureTransport": "false"}),
        deny(["s3:*"], NumericLessThan={"s3:TlsVersion": "1.2"}),
        deny(
            ["s3:PutObject"],
            Null={"s3:x-amz-server-side-encryption": "false"},
            StringNotEquals={"s3:x-amz-server-side-encryption": "aws:kms"},
        ),
        deny(
            ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            BoolIfExists={"aws:MultiFactorAuthPresent": "false"},
        ),
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    return name


def test_bucket_policy_does_not_affect_requests_outside_its_deny_statements(
    emulator: Emulator, protected: str
) -> None:
    s3 = emulator.client("s3")
    s3.put_object(Bucket=protected, Key="one", Body=b"1")
    s3.put_object(Bucket=protected, Key="one", Body=b"1", ServerSideEncryption="aws:kms")
    assert s3.get_object(Bucket=protected, Key="one")["Body"].read() == b"1"


@pytest.mark.parametrize(
    ("keys", "operation"),
    [
        pytest.param({"aws:SecureTransport": "false"}, "get_object", id="plain HTTP"),
        pytest.param({"s3:TlsVersion": "1.1"}, "get_object", id="old TLS"),
        pytest.param({}, "delete_object", id="deletion without MFA"),
    ],
)
def test_bucket_policy_denies_requests_that_match_its_conditions(
    emulator: Emulator, protected: str, keys: dict[str, str], operation: str
) -> None:
    plain = emulator.client("s3")
    plain.put_object(Bucket=protected, Key="kept", Body=b"1")
    client = emulator.client("s3", condition_keys=keys)
    assert error_code(getattr(client, operation), Bucket=protected, Key="kept") in (
        "403",
        "AccessDenied",
    )
    assert plain.get_object(Bucket=protected, Key="kept")["Body"].read() == b"1"


def test_bucket_policy_denies_other_encryption(emulator: Emulator, protected: str) -> None:
    s3 = emulator.client("s3")
    code = error_code(
        s3.put_object, Bucket=protected, Key="wrong", Body=b"1", ServerSideEncryption="AES256"
    )
    assert code in ("403", "AccessDenied")


def test_bucket_policy_allows_deletion_with_mfa(emulator: Emulator, protected: str) -> None:
    emulator.client("s3").put_object(Bucket=protected, Key="gone", Body=b"1")
    client = emulator.client("s3", condition_keys={"aws:MultiFactorAuthPresent": "true"})
    client.delete_object(Bucket=protected, Key="gone")
    assert error_code(client.get_object, Bucket=protected, Key="gone") == "NoSuchKey"


def test_role_has_only_the_permissions_of_its_policies(emulator: Emulator) -> None:
    plain = emulator.client("s3")
    plain.create_bucket(Bucket="reader")
    plain.put_object(Bucket="reader", Key="incoming/one", Body=b"1")
    plain.put_object(Bucket="reader", Key="other/one", Body=b"1")
    arn = role(
        emulator,
        "reader",
        allow(["s3:GetObject"], "arn:aws:s3:::reader/incoming/*"),
        allow(["s3:ListBucket"], "arn:aws:s3:::reader", StringLike={"s3:prefix": "incoming/*"}),
    )
    s3 = emulator.client("s3", role_arn=arn)
    assert s3.get_object(Bucket="reader", Key="incoming/one")["Body"].read() == b"1"
    assert s3.list_objects_v2(Bucket="reader", Prefix="incoming/")["KeyCount"] == 1
    assert error_code(s3.get_object, Bucket="reader", Key="other/one") == "AccessDenied"
    assert error_code(s3.list_objects_v2, Bucket="reader", Prefix="other/") == "AccessDenied"
    assert error_code(s3.put_object, Bucket="reader", Key="incoming/two") == "AccessDenied"
    iam = emulator.client("iam", role_arn=arn)
    assert error_code(iam.list_users) == "AccessDenied"
    secrets = emulator.client("secretsmanager", role_arn=arn)
    assert error_code(secrets.list_secrets) == "AccessDeniedException"


def test_role_requires_permission_for_the_key_of_an_encrypted_secret(emulator: Emulator) -> None:
    key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    secrets = emulator.client("secretsmanager")
    secret = secrets.create_secret(Name="encrypted", SecretString="it", KmsKeyId=key)["ARN"]
    read = allow(["secretsmanager:GetSecretValue"], secret)
    through = {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}
    decrypt = allow(["kms:Decrypt"], key, StringEquals=through)
    without = emulator.client("secretsmanager", role_arn=role(emulator, "without", read))
    with_key = emulator.client("secretsmanager", role_arn=role(emulator, "with", read, decrypt))
    assert with_key.get_secret_value(SecretId="encrypted")["SecretString"] == "it"
    assert error_code(without.get_secret_value, SecretId="encrypted") == "AccessDeniedException"


def test_permissions_boundary_limits_a_role(emulator: Emulator) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            allow(["*"], "*"),
            {
                "Effect": "Deny",
                "Action": ["sqs:*"],
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}},
            },
        ],
    }
    boundary = emulator.client("iam").create_policy(
        PolicyName="boundary", PolicyDocument=json.dumps(document)
    )["Policy"]["Arn"]
    arn = role(
        emulator, "bounded", allow(["sqs:ListQueues", "sns:ListTopics"], "*"), boundary=boundary
    )
    assert emulator.client("sns", role_arn=arn).list_topics()["Topics"] == []
    assert "AccessDenied" in error_code(emulator.client("sqs", role_arn=arn).list_queues)
