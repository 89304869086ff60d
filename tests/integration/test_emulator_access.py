"""Who may what in the emulator: bucket policies for all, IAM for keys that it issued itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.emulated import allow, refusal, role
from tools.emulator import Emulator


@pytest.fixture(scope="module")
def mine(fresh_emulator: Emulator) -> Emulator:
    return fresh_emulator


@pytest.fixture(scope="module")
def guarded(mine: Emulator) -> Iterator[str]:
    """A bucket that refuses plain HTTP, old TLS, other encryption and deletion without MFA."""
    name = "guarded"
    s3 = mine.client("s3")
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


def with_context(client: Any, **keys: str | None) -> Any:
    """Make a client's requests carry other condition keys; ``__`` stands for the colon."""
    header = json.dumps({key.replace("__", ":"): value for key, value in keys.items()})

    def add(request: Any, **_: Any) -> None:
        request.headers["X-Emulator-Context"] = header

    client.meta.events.register("before-sign.s3", add)
    return client


def test_a_bucket_policy_lets_through_what_it_does_not_refuse(mine: Emulator, guarded: str) -> None:
    s3 = mine.client("s3")
    s3.put_object(Bucket=guarded, Key="one", Body=b"1")
    s3.put_object(Bucket=guarded, Key="one", Body=b"1", ServerSideEncryption="aws:kms")
    assert s3.get_object(Bucket=guarded, Key="one")["Body"].read() == b"1"


@pytest.mark.parametrize(
    ("keys", "operation"),
    [
        pytest.param({"aws__SecureTransport": "false"}, "get_object", id="plain HTTP"),
        pytest.param({"s3__TlsVersion": "1.1"}, "get_object", id="old TLS"),
        pytest.param({}, "delete_object", id="deletion without MFA"),
    ],
)
def test_a_bucket_policy_refuses_by_its_conditions(
    mine: Emulator, guarded: str, keys: dict[str, str], operation: str
) -> None:
    plain = mine.client("s3")
    plain.put_object(Bucket=guarded, Key="kept", Body=b"1")
    client = with_context(mine.client("s3"), **keys)
    assert refusal(getattr(client, operation), Bucket=guarded, Key="kept") in (
        "403",
        "AccessDenied",
    )
    assert plain.get_object(Bucket=guarded, Key="kept")["Body"].read() == b"1"


def test_a_bucket_policy_refuses_wrong_encryption(mine: Emulator, guarded: str) -> None:
    s3 = mine.client("s3")
    code = refusal(
        s3.put_object, Bucket=guarded, Key="wrong", Body=b"1", ServerSideEncryption="AES256"
    )
    assert code in ("403", "AccessDenied")


def test_deletion_is_let_through_with_mfa(mine: Emulator, guarded: str) -> None:
    mine.client("s3").put_object(Bucket=guarded, Key="gone", Body=b"1")
    client = with_context(mine.client("s3"), aws__MultiFactorAuthPresent="true")
    client.delete_object(Bucket=guarded, Key="gone")
    assert refusal(client.get_object, Bucket=guarded, Key="gone") == "NoSuchKey"


def test_a_role_may_do_what_its_policy_names_and_nothing_else(mine: Emulator) -> None:
    plain = mine.client("s3")
    plain.create_bucket(Bucket="reader")
    plain.put_object(Bucket="reader", Key="incoming/one", Body=b"1")
    plain.put_object(Bucket="reader", Key="other/one", Body=b"1")
    arn = role(
        mine,
        "reader",
        allow(["s3:GetObject"], "arn:aws:s3:::reader/incoming/*"),
        allow(["s3:ListBucket"], "arn:aws:s3:::reader", StringLike={"s3:prefix": "incoming/*"}),
    )
    s3 = mine.client("s3", role_arn=arn)
    assert s3.get_object(Bucket="reader", Key="incoming/one")["Body"].read() == b"1"
    assert s3.list_objects_v2(Bucket="reader", Prefix="incoming/")["KeyCount"] == 1
    assert refusal(s3.get_object, Bucket="reader", Key="other/one") == "AccessDenied"
    assert refusal(s3.list_objects_v2, Bucket="reader", Prefix="other/") == "AccessDenied"
    assert refusal(s3.put_object, Bucket="reader", Key="incoming/two") == "AccessDenied"
    iam = mine.client("iam", role_arn=arn)
    assert refusal(iam.list_users) == "AccessDenied"
    secrets = mine.client("secretsmanager", role_arn=arn)
    assert refusal(secrets.list_secrets) == "AccessDeniedException"


def test_a_role_needs_the_key_of_what_is_encrypted(mine: Emulator) -> None:
    key = mine.client("kms").create_key()["KeyMetadata"]["Arn"]
    secrets = mine.client("secretsmanager")
    secret = secrets.create_secret(Name="encrypted", SecretString="it", KmsKeyId=key)["ARN"]
    read = allow(["secretsmanager:GetSecretValue"], secret)
    through = {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}
    decrypt = allow(["kms:Decrypt"], key, StringEquals=through)
    without = mine.client("secretsmanager", role_arn=role(mine, "without", read))
    with_key = mine.client("secretsmanager", role_arn=role(mine, "with", read, decrypt))
    assert with_key.get_secret_value(SecretId="encrypted")["SecretString"] == "it"
    assert refusal(without.get_secret_value, SecretId="encrypted") == "AccessDeniedException"


def test_a_role_is_held_to_its_boundary(mine: Emulator) -> None:
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
    boundary = mine.client("iam").create_policy(
        PolicyName="boundary", PolicyDocument=json.dumps(document)
    )["Policy"]["Arn"]
    arn = role(mine, "bounded", allow(["sqs:ListQueues", "sns:ListTopics"], "*"), boundary=boundary)
    assert mine.client("sns", role_arn=arn).list_topics()["Topics"] == []
    assert "AccessDenied" in refusal(mine.client("sqs", role_arn=arn).list_queues)
