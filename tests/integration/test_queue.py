"""The deployed queue between bucket and function: senders, permissions and redrive.

Only the tests receive messages: the emulator stores the event source mapping and does not run it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Environment, refused

DAY = 86_400


def attributes(environment: Environment, output: str) -> dict[str, str]:
    answer = environment.client("sqs").get_queue_attributes(
        QueueUrl=environment.outputs[output], AttributeNames=["All"]
    )
    found: dict[str, str] = answer["Attributes"]
    return found


def upload(environment: Environment, key: str) -> str:
    """Put an object into the data bucket and return its version."""
    bucket = environment.outputs["data_bucket_name"]
    put = environment.client("s3").put_object(Bucket=bucket, Key=key, Body=b"<testsuite/>")
    return str(put["VersionId"])


def receive(sqs: Any, url: str, *, hidden: int = 3600) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=hidden,
        MessageSystemAttributeNames=["ApproximateReceiveCount"],
    )
    return list(answer.get("Messages", []))


@pytest.fixture
def empty(custom_environment: Environment) -> Environment:
    """The environment whose queues only these tests read, without visible messages."""
    sqs = custom_environment.client("sqs")
    # PurgeQueue is allowed once a minute.
    for output in ("queue_url", "dead_letter_queue_url"):
        while receive(sqs, custom_environment.outputs[output]):
            pass
    return custom_environment


def test_queues_have_required_settings(environment: Environment) -> None:
    queue, dead = (attributes(environment, name) for name in ("queue_url", "dead_letter_queue_url"))
    assert queue["QueueArn"].endswith(":results-queue-default")
    assert dead["QueueArn"].endswith(":results-dead-letters-default")
    for one in (queue, dead):
        assert one["KmsMasterKeyId"] == environment.outputs["kms_key_arn"]
    assert json.loads(queue["RedrivePolicy"]) == {
        "deadLetterTargetArn": environment.outputs["dead_letter_queue_arn"],
        "maxReceiveCount": 5,
    }
    assert json.loads(dead["RedriveAllowPolicy"]) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [environment.outputs["queue_arn"]],
    }
    assert int(queue["MessageRetentionPeriod"]) == 10 * DAY
    assert int(dead["MessageRetentionPeriod"]) == 14 * DAY


def test_visibility_timeout_is_at_least_six_function_timeouts(environment: Environment) -> None:
    configuration = environment.client("lambda").get_function_configuration(
        FunctionName=environment.outputs["function_name"]
    )
    hidden = int(attributes(environment, "queue_url")["VisibilityTimeout"])
    assert hidden >= 6 * configuration["Timeout"]


def test_event_source_mapping_limits_concurrency(environment: Environment) -> None:
    lambdas = environment.client("lambda")
    (mapping,) = lambdas.list_event_source_mappings(
        EventSourceArn=environment.outputs["queue_arn"]
    )["EventSourceMappings"]
    assert mapping["FunctionArn"] == environment.outputs["function_arn"]
    assert mapping["State"] == "Enabled"
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    reserved = lambdas.get_function_concurrency(FunctionName=environment.outputs["function_name"])
    limit = mapping["ScalingConfig"]["MaximumConcurrency"]
    assert 2 <= limit <= reserved["ReservedConcurrentExecutions"]


def test_upload_creates_a_message(empty: Environment) -> None:
    version = upload(empty, "incoming/nightly run/junit ü.xml")
    (message,) = receive(empty.client("sqs"), empty.outputs["queue_url"])
    # Nothing in the emulator received it before.
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    (record,) = json.loads(message["Body"])["Records"]
    assert record["eventSource"] == "aws:s3"
    assert record["s3"]["bucket"]["name"] == empty.outputs["data_bucket_name"]
    assert record["s3"]["object"]["versionId"] == version
    key = record["s3"]["object"]["key"]
    assert key.startswith("incoming/nightly+run/")
    assert unquote_plus(key) == "incoming/nightly run/junit ü.xml"


def test_objects_outside_incoming_create_no_message(empty: Environment) -> None:
    for prefix in ("processed/", "quarantine/", ""):
        upload(empty, f"{prefix}one")
    assert receive(empty.client("sqs"), empty.outputs["queue_url"]) == []


@pytest.mark.parametrize("output", ["queue_url", "dead_letter_queue_url"])
def test_plain_http_is_refused(empty: Environment, output: str) -> None:
    url = empty.outputs[output]
    assert not refused(empty.client("sqs").send_message, QueueUrl=url, MessageBody="x")
    sqs = empty.client("sqs", condition_keys={"aws:SecureTransport": "false"})
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x")
    assert refused(sqs.receive_message, QueueUrl=url)
    assert refused(sqs.purge_queue, QueueUrl=url)


def test_other_buckets_cannot_send_to_the_queue(
    environment: Environment, empty: Environment
) -> None:
    wanted = {"QueueArn": empty.outputs["queue_arn"], "Events": ["s3:ObjectCreated:*"]}
    with pytest.raises(ClientError, match="Unable to validate") as caught:
        environment.client("s3").put_bucket_notification_configuration(
            Bucket=environment.outputs["access_logs_bucket_name"],
            NotificationConfiguration={"QueueConfigurations": [wanted]},
        )
    assert caught.value.response["Error"]["Code"] == "InvalidArgument"
    assert receive(empty.client("sqs"), empty.outputs["queue_url"]) == []


def test_role_only_consumes_messages(environment: Environment, empty: Environment) -> None:
    role = empty.client("lambda").get_function_configuration(
        FunctionName=empty.outputs["function_name"]
    )["Role"]
    sqs, url = empty.client("sqs", role_arn=role), empty.outputs["queue_url"]
    upload(empty, "incoming/one.xml")
    (message,) = receive(sqs, url)
    handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    assert not refused(sqs.change_message_visibility, **handle, VisibilityTimeout=60)
    assert not refused(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"])
    assert not refused(sqs.delete_message, **handle)
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x")
    assert refused(sqs.purge_queue, QueueUrl=url)
    assert refused(sqs.set_queue_attributes, QueueUrl=url, Attributes={"DelaySeconds": "1"})
    for other in (empty.outputs["dead_letter_queue_url"], environment.outputs["queue_url"]):
        assert refused(sqs.receive_message, QueueUrl=other)
    assert refused(sqs.start_message_move_task, SourceArn=empty.outputs["dead_letter_queue_arn"])


def test_role_copies_objects_to_quarantine(empty: Environment) -> None:
    role = empty.client("lambda").get_function_configuration(
        FunctionName=empty.outputs["function_name"]
    )["Role"]
    upload(empty, "incoming/bad.xml")
    bucket, s3 = empty.outputs["data_bucket_name"], empty.client("s3", role_arn=role)
    source = {"Bucket": bucket, "Key": "incoming/bad.xml"}
    assert not refused(s3.copy_object, Bucket=bucket, Key="quarantine/bad.xml", CopySource=source)
    assert refused(s3.delete_object, Bucket=bucket, Key="incoming/bad.xml")
    assert refused(s3.get_object, Bucket=bucket, Key="quarantine/bad.xml")


def test_message_is_dead_lettered_after_five_receives_and_can_be_redriven(
    empty: Environment,
) -> None:
    sqs, outputs = empty.client("sqs"), empty.outputs
    upload(empty, "incoming/poison.xml")
    for attempt in range(1, 6):
        (message,) = receive(sqs, outputs["queue_url"], hidden=0)
        assert message["Attributes"]["ApproximateReceiveCount"] == str(attempt)
    assert receive(sqs, outputs["queue_url"]) == []
    (dead,) = receive(sqs, outputs["dead_letter_queue_url"], hidden=0)
    assert dead["Body"] == message["Body"]
    sqs.start_message_move_task(SourceArn=outputs["dead_letter_queue_arn"])
    assert receive(sqs, outputs["dead_letter_queue_url"]) == []
    (back,) = receive(sqs, outputs["queue_url"])
    assert back["Body"] == message["Body"]


def test_incoming_and_quarantined_objects_expire(environment: Environment) -> None:
    rules = environment.client("s3").get_bucket_lifecycle_configuration(
        Bucket=environment.outputs["data_bucket_name"]
    )["Rules"]
    expiring = {
        rule["Filter"]["Prefix"]: rule["Expiration"]["Days"]
        for rule in rules
        if "Expiration" in rule
    }
    assert expiring == {"incoming/": 90, "quarantine/": 90}
