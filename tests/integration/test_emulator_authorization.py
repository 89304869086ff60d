"""Authorization in the emulator: bucket policies, and identity policies of issued access keys."""

from __future__ import annotations

import json
from typing import Any

import boto3
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


MFA = {"SerialNumber": "arn:aws:iam::123456789012:mfa/moto", "TokenCode": "123456"}


def with_credentials(emulator: Emulator, issued: dict[str, Any], service: str = "s3") -> Any:
    """A client that signs with credentials that STS issued."""
    session: Any = boto3.session.Session(
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
        aws_session_token=issued["SessionToken"],
        region_name="us-east-1",
    )
    return session.client(service, endpoint_url=emulator.endpoint)


@pytest.fixture
def guarded(emulator: Emulator) -> dict[str, str]:
    """An object in a bucket that denies deletion without a use of MFA within the last hour."""
    name = "guarded"
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=name)
    statements = [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:DeleteObject",
            "Resource": f"arn:aws:s3:::{name}/*",
            "Condition": condition,
        }
        for condition in (
            {"Null": {"aws:MultiFactorAuthAge": "true"}},
            {"NumericGreaterThan": {"aws:MultiFactorAuthAge": "3600"}},
        )
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    s3.put_object(Bucket=name, Key="one", Body=b"1")
    return {"Bucket": name, "Key": "one"}


def test_session_token_has_the_age_of_mfa_only_with_a_token_of_the_device(
    emulator: Emulator, guarded: dict[str, str]
) -> None:
    sts = emulator.client("sts")
    without = sts.get_session_token()["Credentials"]
    assert error_code(with_credentials(emulator, without).delete_object, **guarded) is not None
    issued = sts.get_session_token(**MFA)["Credentials"]
    assert issued["AccessKeyId"] != without["AccessKeyId"]
    caller = emulator.client("sts").get_caller_identity()["Account"]
    assert with_credentials(emulator, issued, "sts").get_caller_identity()["Account"] == caller
    with_credentials(emulator, issued).delete_object(**guarded)


def test_role_that_requires_mfa_is_assumed_with_a_token_of_the_device(
    emulator: Emulator, guarded: dict[str, str]
) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::123456789012:user/moto"},
        "Action": "sts:AssumeRole",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }
    iam, sts = emulator.client("iam"), emulator.client("sts")
    document = {"Version": "2012-10-17", "Statement": [trust]}
    arn = iam.create_role(RoleName="breaks", AssumeRolePolicyDocument=json.dumps(document))["Role"][
        "Arn"
    ]
    allowed = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::guarded/*"}
    iam.put_role_policy(
        RoleName="breaks",
        PolicyName="deletes",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    session = {"RoleArn": arn, "RoleSessionName": "me"}
    assert error_code(sts.assume_role, **session) == "AccessDenied"
    issued = sts.assume_role(**session, **MFA)["Credentials"]
    with_credentials(emulator, issued).delete_object(**guarded)
