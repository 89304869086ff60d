"""Queues and news of the emulator, where moto does otherwise than AWS."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.emulated import allow, refusal, role
from tools.emulator import ACCOUNT_ID, Emulator


@pytest.fixture(scope="module")
def mine(fresh_emulator: Emulator) -> Emulator:
    return fresh_emulator


def make(mine: Emulator, name: str, **wanted: str) -> tuple[str, str]:
    """A queue; its URL and its ARN."""
    url = mine.client("sqs").create_queue(QueueName=name, Attributes=wanted)["QueueUrl"]
    return url, f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:{name}"


def attributes(mine: Emulator, url: str) -> dict[str, str]:
    answer = mine.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(answer["Attributes"])


def policy(arn: str, **changed: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement | changed]})


def test_an_update_leaves_what_it_does_not_name(mine: Emulator) -> None:
    url, arn = make(mine, "updated")
    sqs = mine.client("sqs")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn)})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    found = attributes(mine, url)
    assert json.loads(found["Policy"]) == json.loads(policy(arn))
    assert found["VisibilityTimeout"] == "7"
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Policy" not in attributes(mine, url)


def test_redrive_policies_are_told(mine: Emulator) -> None:
    dead_url, dead_arn = make(mine, "dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 5})
    url, arn = make(mine, "alive", RedrivePolicy=redrive)
    assert attributes(mine, url)["RedrivePolicy"] == redrive.replace(" ", "")
    allowed = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn]})
    sqs = mine.client("sqs")
    sqs.set_queue_attributes(QueueUrl=dead_url, Attributes={"RedriveAllowPolicy": allowed})
    assert attributes(mine, dead_url)["RedriveAllowPolicy"] == allowed
    sqs.set_queue_attributes(QueueUrl=dead_url, Attributes={"RedriveAllowPolicy": ""})
    assert "RedriveAllowPolicy" not in attributes(mine, dead_url)


def test_a_queue_under_a_key_does_not_encrypt_itself(mine: Emulator) -> None:
    key = mine.client("kms").create_key()["KeyMetadata"]["Arn"]
    url, _ = make(mine, "encrypted", KmsMasterKeyId=key)
    assert attributes(mine, url)["SqsManagedSseEnabled"] == "false"
    assert attributes(mine, make(mine, "plain")[0])["SqsManagedSseEnabled"] == "true"


def test_what_a_queue_policy_denies_is_refused(mine: Emulator) -> None:
    url, arn = make(mine, "denying")
    sqs = mine.client("sqs")
    denied = policy(arn, Effect="Deny", Principal="*")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": denied})
    entries = [{"Id": "1", "MessageBody": "x"}]
    assert refusal(sqs.send_message, QueueUrl=url, MessageBody="x") == "AccessDeniedException"
    assert refusal(sqs.send_message_batch, QueueUrl=url, Entries=entries) == "AccessDeniedException"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_role_needs_the_key_of_an_encrypted_queue(mine: Emulator) -> None:
    key = mine.client("kms").create_key()["KeyMetadata"]["Arn"]
    url, arn = make(mine, "for-roles", KmsMasterKeyId=key)
    read = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"], arn)
    through = {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}
    decrypt = allow(["kms:Decrypt"], key, StringEquals=through)
    without = mine.client("sqs", role_arn=role(mine, "keyless", read))
    with_key = mine.client("sqs", role_arn=role(mine, "with-key", read, decrypt))
    assert refusal(without.receive_message, QueueUrl=url) == "AccessDeniedException"
    mine.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    (message,) = with_key.receive_message(QueueUrl=url)["Messages"]
    entries = [{"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}]
    assert with_key.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]


def key_for_s3(mine: Emulator, **context: Any) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
        "Resource": "*",
        "Condition": context,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return str(mine.client("kms").create_key(Policy=document)["KeyMetadata"]["Arn"])


@pytest.mark.parametrize(
    ("of_queue", "of_key"),
    [
        pytest.param({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::another"}}, {}, id="queue"),
        pytest.param({}, {"StringEquals": {"aws:SourceAccount": "210987654321"}}, id="key"),
    ],
)
def test_news_needs_leave_of_queue_and_key(
    mine: Emulator, of_queue: dict[str, Any], of_key: dict[str, Any]
) -> None:
    name = f"news-{'queue' if of_queue else 'key'}"
    url, arn = make(mine, name, KmsMasterKeyId=key_for_s3(mine, **of_key))
    sqs, s3 = mine.client("sqs"), mine.client("s3")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn, Condition=of_queue)})
    s3.create_bucket(Bucket=name)
    wanted = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    with pytest.raises(ClientError, match="Unable to validate the following destination"):
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=wanted)
    if of_queue:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn)})
    else:
        allowed = {"KmsMasterKeyId": key_for_s3(mine)}
        sqs.set_queue_attributes(QueueUrl=url, Attributes=allowed)
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=wanted)
    (test,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(test["Body"])["Event"] == "s3:TestEvent"
    # What is refused later is lost, as it is in AWS.
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn, Effect="Deny")})
    s3.put_object(Bucket=name, Key="lost", Body=b"x")
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_news_tells_version_and_order(mine: Emulator) -> None:
    url, arn = make(mine, "versions")
    sqs, s3 = mine.client("sqs"), mine.client("s3")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(arn)})
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    wanted = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(Bucket="versions", NotificationConfiguration=wanted)
    versions = [
        s3.put_object(Bucket="versions", Key="a/b c", Body=body)["VersionId"]
        for body in (b"1", b"2")
    ]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"][1:]
    told = [json.loads(one["Body"])["Records"][0]["s3"]["object"] for one in messages]
    assert [one["versionId"] for one in told] == versions
    assert {one["key"] for one in told} == {"a/b+c"}
    assert told[0]["sequencer"] < told[1]["sequencer"]


def test_a_mapping_takes_no_message(mine: Emulator) -> None:
    url, arn = make(mine, "mapped")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("code.py", "def handler(event, context): ...")
    lambdas, sqs = mine.client("lambda"), mine.client("sqs")
    lambdas.create_function(
        FunctionName="mapped",
        Runtime="python3.11",
        Role=role(mine, "mapped", allow(["sqs:ReceiveMessage"], arn)),
        Handler="code.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    made = lambdas.create_event_source_mapping(FunctionName="mapped", EventSourceArn=arn)
    assert lambdas.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled"
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = sqs.receive_message(
        QueueUrl=url, MessageSystemAttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_dead_letters_go_back(mine: Emulator) -> None:
    dead_url, dead_arn = make(mine, "dead-again")
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    url, _ = make(mine, "alive-again", RedrivePolicy=redrive)
    sqs = mine.client("sqs")
    sqs.send_message(QueueUrl=dead_url, MessageBody="looked at")
    assert sqs.receive_message(QueueUrl=dead_url)["Messages"]
    for body in "ab":
        sqs.send_message(QueueUrl=dead_url, MessageBody=body)
    assert sqs.start_message_move_task(SourceArn=dead_arn)["TaskHandle"]
    back = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [one["Body"] for one in back] == ["a", "b"]
    assert "Messages" not in sqs.receive_message(QueueUrl=dead_url)
    gone = refusal(sqs.start_message_move_task, SourceArn=f"{dead_arn}-gone")
    assert "NonExistentQueue" in gone or gone == "QueueDoesNotExist"
