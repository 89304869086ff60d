"""Objects that an event references."""

import json
from typing import Any

import pytest

from object_events import ObjectRef, parse_event


def notification(key: str = "incoming/a.xml", **fields: str) -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "data-dev"}, "object": {"key": key, **fields}},
    }


def objects(event: object) -> list[ObjectRef]:
    found, errors = parse_event(event)
    assert errors == []
    return found


def reason(event: object) -> str:
    found, errors = parse_event(event)
    assert found == []
    (error,) = errors
    return str(error)


def test_notification_references_an_object_version() -> None:
    event = {"Records": [notification(versionId="v1", eTag="e")]}
    assert objects(event) == [ObjectRef("data-dev", "incoming/a.xml", "v1")]


def test_notification_without_version_references_the_latest() -> None:
    assert objects({"Records": [notification()]}) == [ObjectRef("data-dev", "incoming/a.xml", None)]


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("incoming/a+b%2Bc.xml", "incoming/a b+c.xml"),
        ("incoming/%C3%BC.csv", "incoming/ü.csv"),
        ("incoming/100%25.csv", "incoming/100%.csv"),
    ],
)
def test_key_of_a_notification_is_url_decoded(encoded: str, key: str) -> None:
    assert objects({"Records": [notification(encoded)]})[0].key == key


def test_key_that_cannot_be_decoded_is_an_error() -> None:
    assert reason({"Records": [notification("incoming/%FF")]}).startswith("record: received {")


def test_each_record_references_an_object() -> None:
    event = {"Records": [notification("incoming/a"), notification("incoming/b")]}
    assert [ref.key for ref in objects(event)] == ["incoming/a", "incoming/b"]


def test_notifications_in_queue_messages_are_parsed() -> None:
    body = json.dumps({"Records": [notification("incoming/a+b"), notification("incoming/c")]})
    event = {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": body}]}
    assert [ref.key for ref in objects(event)] == ["incoming/a b", "incoming/c"]


def test_direct_invocation_references_an_object_version() -> None:
    event = {"bucket": "data-dev", "key": "incoming/a+b.xml", "versionId": "v1"}
    assert objects(event) == [ObjectRef("data-dev", "incoming/a+b.xml", "v1")]


def test_direct_invocation_without_version_references_the_latest() -> None:
    event = {"bucket": "data-dev", "key": "incoming/a", "versionId": None}
    assert objects(event) == [ObjectRef("data-dev", "incoming/a", None)]


def test_s3_test_event_is_ignored_without_error() -> None:
    event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "data-dev"}
    assert objects(event) == []
    assert objects({"Records": [{"body": json.dumps(event)}]}) == []


def test_event_without_records_is_accepted() -> None:
    assert objects({"Records": []}) == []


@pytest.mark.parametrize(
    ("event", "start"),
    [
        (None, "event: received None; accepted: S3 event notifications, SQS messages"),
        ("text", "event: received 'text'"),
        ([], "event: received []"),
        ({}, "event: received the fields []"),
        ({"detail": {}, "source": "aws.s3"}, "event: received the fields ['detail', 'source']"),
        ({"Records": "x"}, "event: received the fields ['Records']"),
        ({"Records": [None]}, "record: received None"),
        ({"Records": ["x"]}, "record: received 'x'"),
        ({"Records": [{"Sns": {}}]}, "record: received {'Sns': {}}"),
        ({"Records": [{"s3": None}]}, "record: received {'s3': None}; accepted: s3.bucket.name"),
        ({"Records": [{"s3": {"bucket": {"name": "b"}}}]}, "record: received {'s3'"),
        (
            {"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": 7}}}]},
            "record: received",
        ),
        ({"Records": [{"body": "no json"}]}, "message body: received 'no json'"),
        ({"Records": [{"body": "[" * 200_000}]}, "message body: received '[[["),
        ({"Records": [{"body": "7"}]}, "event: received 7"),
        ({"Records": [{"body": '{"Records": [1]}'}]}, "record: received 1"),
        ({"Records": [{"body": b"{}"}]}, "record: received {'body': b'{}'}"),
        ({"bucket": "b"}, "key: received None; accepted: a name"),
        ({"key": "k"}, "record: received {'key': 'k'}"),
        ({"bucket": "", "key": "k"}, "bucket: received ''; accepted: a name"),
        ({"bucket": "b", "key": 7}, "key: received 7"),
        (
            {"bucket": "b", "key": "k", "versionId": ""},
            "versionId: received ''; accepted: a version id",
        ),
        ({"bucket": "b", "key": "k", "versionId": 1}, "versionId: received 1"),
    ],
)
def test_event_without_object_reference_is_an_error(event: object, start: str) -> None:
    assert reason(event).startswith(start)


def test_notification_of_a_removed_object_is_an_error() -> None:
    event = {"Records": [notification() | {"eventName": "ObjectRemoved:Delete"}]}
    assert reason(event) == (
        "eventName of 'incoming/a.xml': received 'ObjectRemoved:Delete'; accepted: ObjectCreated:*"
    )


def test_invalid_record_does_not_affect_other_records() -> None:
    found, errors = parse_event({"Records": [{}, notification(), {"body": "x"}]})
    assert [ref.key for ref in found] == ["incoming/a.xml"]
    assert len(errors) == 2


def test_reason_is_truncated_for_long_records() -> None:
    assert len(reason({"Records": [{"x": "y" * 100_000}]})) < 300
