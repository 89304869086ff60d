"""Patches of SQS, of the event notifications of S3, and of event source mappings."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.emulator_resources import allow, error_code, role
from tools.emulator import ACCOUNT_ID, Emulator


@pytest.fixture(scope="module")
def emulator(fresh_emulator: Emulator) -> Emulator:
    return fresh_emulator


def create_queue(emulator: Emulator, name: str, **queue_attributes: str) -> tuple[str, str]:
    """Create a queue and return its URL and its ARN."""
    url = emulator.client("sqs").create_queue(QueueName=name, Attributes=queue_attributes)[
        "QueueUrl"
    ]
    return url, f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:{name}"


def attributes(emulator: Emulator, url: str) -> dict[str, str]:
    answer = emulator.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(answer["Attributes"])


def policy(arn: str, **changed: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | changed]})


def test_set_queue_attributes_preserves_omitted_attributes(emulator: Emulator) -> None:
    url, arn = create_queue(emulator, "updated")
    sqs = emulator.client("sqs")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn)})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    found = attributes(emulator, url)
    assert json.loads(found["Policy"]) == json.loads(policy(arn))
    assert found["VisibilityTimeout"] == "7"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Policy" not in attributes(emulator, url)


def test_queue_attributes_return_redrive_policies(emulator: Emulator) -> None:
    dead_url, dead_arn = create_queue(emulator, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 5})
    url, arn = create_queue(emulator, "alive", RedrivePolicy=redrive)
    assert attributes(emulator, url)["RedrivePolicy"] == redrive.replace(" ", "")
    allowed = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn]})
    sqs = emulator.client("sqs")
    sqs.set_queue_attributes(QueueUrl=dead_url, Attributes={"RedriveAllowPolicy": allowed})
    assert attributes(emulator, dead_url)["RedriveAllowPolicy"] == allowed
    sqs.set_queue_attributes(QueueUrl=dead_url, Attributes={"RedriveAllowPolicy": ""})
    assert "RedriveAllowPolicy" not in attributes(emulator, dead_url)


def test_queue_with_a_kms_key_returns_no_sqs_managed_encryption(emulator: Emulator) -> None:
    key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    url, _ = create_queue(emulator, "encrypted", KmsMasterKeyId=key)
    assert attributes(emulator, url)["SqsManagedSseEnabled"] == "false"
    assert (
        attributes(emulator, create_queue(emulator, "plain")[0])["SqsManagedSseEnabled"] == "true"
    )


def test_queue_policy_denies_requests_of_every_caller(emulator: Emulator) -> None:
    url, arn = create_queue(emulator, "denying")
    sqs = emulator.client("sqs")
    denied = policy(arn, Effect="Deny", Principal="*")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": denied})
    entries = [{"Id": "1", "MessageBody": "x"}]
    assert error_code(sqs.send_message, QueueUrl=url, MessageBody="x") == "AccessDeniedException"
    assert (
        error_code(sqs.send_message_batch, QueueUrl=url, Entries=entries) == "AccessDeniedException"
    )
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_role_requires_permission_for_the_key_of_an_encrypted_queue(emulator: Emulator) -> None:
    key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    url, arn = create_queue(emulator, "for-roles", KmsMasterKeyId=key)
    read = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"], arn)
    through = {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}
    decrypt = allow(["kms:Decrypt"], key, StringEquals=through)
    without = emulator.client("sqs", role_arn=role(emulator, "keyless", read))
    with_key = emulator.client("sqs", role_arn=role(emulator, "with-key", read, decrypt))
    assert error_code(without.receive_message, QueueUrl=url) == "AccessDeniedException"
    emulator.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    (message,) = with_key.receive_message(QueueUrl=url)["Messages"]
    entries = [{"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}]
    assert with_key.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]


def key_for_s3(emulator: Emulator, **context: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
        "Resource": "*",
        "Condition": context,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return str(emulator.client("kms").create_key(Policy=document)["KeyMetadata"]["Arn"])


@pytest.mark.parametrize(
    ("of_queue", "of_key"),
    [
        pytest.param({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::another"}}, {}, id="queue"),
        pytest.param({}, {"StringEquals": {"aws:SourceAccount": "210987654321"}}, id="key"),
    ],
)
def test_event_notifications_require_permission_of_queue_and_key_policies(
    emulator: Emulator, of_queue: dict[str, Any], of_key: dict[str, Any]
) -> None:
    name = f"notifications-{'queue' if of_queue else 'key'}"
    url, arn = create_queue(emulator, name, KmsMasterKeyId=key_for_s3(emulator, **of_key))
    sqs, s3 = emulator.client("sqs"), emulator.client("s3")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn, Condition=of_queue)})
    s3.create_bucket(Bucket=name)
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError, match="Unable to validate the following destination"):
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration=configuration
        )
    if of_queue:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn)})
    else:
        allowed = {"KmsMasterKeyId": key_for_s3(emulator)}
        sqs.set_queue_attributes(QueueUrl=url, Attributes=allowed)
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=configuration)
    (test,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(test["Body"])["Event"] == "s3:TestEvent"
    # A notification that is denied later is lost, as in AWS.
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn, Effect="Deny")})
    s3.put_object(Bucket=name, Key="lost", Body=b"x")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_event_notifications_contain_version_sequencer_and_decoded_slashes(
    emulator: Emulator,
) -> None:
    url, arn = create_queue(emulator, "versions")
    sqs, s3 = emulator.client("sqs"), emulator.client("s3")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn)})
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    configuration = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(
        Bucket="versions", NotificationConfiguration=configuration
    )
    versions = [
        s3.put_object(Bucket="versions", Key="a/b c", Body=body)["VersionId"]
        for body in (b"1", b"2")
    ]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"][1:]
    objects = [json.loads(one["Body"])["Records"][0]["s3"]["object"] for one in messages]
    assert [one["versionId"] for one in objects] == versions
    assert {one["key"] for one in objects} == {"a/b+c"}
    assert objects[0]["sequencer"] < objects[1]["sequencer"]


def test_event_source_mapping_does_not_receive_messages(emulator: Emulator) -> None:
    url, arn = create_queue(emulator, "mapped")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("code.py", "def handler(event, context): ...")
    lambdas, sqs = emulator.client("lambda"), emulator.client("sqs")
    lambdas.create_function(
        FunctionName="mapped",
        Runtime="python3.11",
        Role=role(emulator, "mapped", allow(["sqs:ReceiveMessage"], arn)),
        Handler="code.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    created = lambdas.create_event_source_mapping(FunctionName="mapped", EventSourceArn=arn)
    assert lambdas.get_event_source_mapping(UUID=created["UUID"])["State"] == "Enabled"
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = sqs.receive_message(
        QueueUrl=url, MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_message_move_task_returns_messages_to_the_source_queue(emulator: Emulator) -> None:
    dead_url, dead_arn = create_queue(emulator, "dead-again")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    url, _ = create_queue(emulator, "alive-again", RedrivePolicy=redrive)
    sqs = emulator.client("sqs")
    sqs.send_message(QueueUrl=dead_url, MessageBody="in flight")
    assert sqs.receive_message(QueueUrl=dead_url)["Messages"]
    for body in "ab":
        sqs.send_message(QueueUrl=dead_url, MessageBody=body)
    assert sqs.start_message_move_task(SourceArn=dead_arn)["TaskHandle"]
    back = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [one["Body"] for one in back] == ["a", "b"]
    assert "Messages" not in sqs.receive_message(QueueUrl=dead_url)
    gone = error_code(sqs.start_message_move_task, SourceArn=f"{dead_arn}-gone")
    assert "NonExistentQueue" in gone or gone == "QueueDoesNotExist"
