"""Which objects an event is about."""

import json
from typing import Any

import pytest

from object_events import ObjectRef, objects_in


def notification(key: str = "incoming/a.xml", **found: str) -> dict[str, Any]:
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "data-dev"}, "object": {"key": key, **found}},
    }


def objects(event: object) -> list[ObjectRef]:
    found, errors = objects_in(event)
    assert errors == []
    return found


def reason(event: object) -> str:
    found, errors = objects_in(event)
    assert found == []
    (error,) = errors
    return str(error)


def test_notification() -> None:
    event = {"Records": [notification(versionId="v1", eTag="e")]}
    assert objects(event) == [ObjectRef("data-dev", "incoming/a.xml", "v1")]


def test_notification_without_a_version() -> None:
    assert objects({"Records": [notification()]}) == [ObjectRef("data-dev", "incoming/a.xml", None)]


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("incoming/a+b%2Bc.xml", "incoming/a b+c.xml"),
        ("incoming/%C3%BC.csv", "incoming/ü.csv"),
        ("incoming/100%25.csv", "incoming/100%.csv"),
    ],
)
def test_key_of_a_notification_is_decoded(encoded: str, key: str) -> None:
    assert objects({"Records": [notification(encoded)]})[0].key == key


def test_key_that_does_not_decode_is_an_error() -> None:
    assert reason({"Records": [notification("incoming/%FF")]}).startswith("the record is {")


def test_several_records() -> None:
    event = {"Records": [notification("incoming/a"), notification("incoming/b")]}
    assert [ref.key for ref in objects(event)] == ["incoming/a", "incoming/b"]


def test_message_of_a_queue() -> None:
    body = json.dumps({"Records": [notification("incoming/a+b"), notification("incoming/c")]})
    event = {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": body}]}
    assert [ref.key for ref in objects(event)] == ["incoming/a b", "incoming/c"]


def test_direct_invocation() -> None:
    event = {"bucket": "data-dev", "key": "incoming/a+b.xml", "versionId": "v1"}
    assert objects(event) == [ObjectRef("data-dev", "incoming/a+b.xml", "v1")]


def test_direct_invocation_without_a_version() -> None:
    event = {"bucket": "data-dev", "key": "incoming/a", "versionId": None}
    assert objects(event) == [ObjectRef("data-dev", "incoming/a", None)]


def test_test_event_names_no_object_and_is_no_error() -> None:
    event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "data-dev"}
    assert objects(event) == []
    assert objects({"Records": [{"body": json.dumps(event)}]}) == []


def test_event_without_records_is_no_error() -> None:
    assert objects({"Records": []}) == []


@pytest.mark.parametrize(
    ("event", "start"),
    [
        (None, "the event is None; accepted: an S3 notification, SQS messages"),
        ("text", "the event is 'text'"),
        ([], "the event is []"),
        ({}, "the event has the fields []"),
        ({"detail": {}, "source": "aws.s3"}, "the event has the fields ['detail', 'source']"),
        ({"Records": "x"}, "the event has the fields ['Records']"),
        ({"Records": [None]}, "the record is None"),
        ({"Records": ["x"]}, "the record is 'x'"),
        ({"Records": [{"Sns": {}}]}, "the record is {'Sns': {}}"),
        ({"Records": [{"s3": None}]}, "the record is {'s3': None}; accepted: s3.bucket.name"),
        ({"Records": [{"s3": {"bucket": {"name": "b"}}}]}, "the record is {'s3'"),
        ({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": 7}}}]}, "the record is"),
        ({"Records": [{"body": "no json"}]}, "the message is 'no json'"),
        ({"Records": [{"body": "[" * 200_000}]}, "the message is '[[["),
        ({"Records": [{"body": "7"}]}, "the event is 7"),
        ({"Records": [{"body": '{"Records": [1]}'}]}, "the record is 1"),
        ({"Records": [{"body": b"{}"}]}, "the record is {'body': b'{}'}"),
        ({"bucket": "b"}, "key is None; accepted: a name"),
        ({"key": "k"}, "the record is {'key': 'k'}"),
        ({"bucket": "", "key": "k"}, "bucket is ''; accepted: a name"),
        ({"bucket": "b", "key": 7}, "key is 7"),
        ({"bucket": "b", "key": "k", "versionId": ""}, "versionId is ''; accepted: a version id"),
        ({"bucket": "b", "key": "k", "versionId": 1}, "versionId is 1"),
    ],
)
def test_what_names_no_object(event: object, start: str) -> None:
    assert reason(event).startswith(start)


def test_removed_object_is_not_processed() -> None:
    event = {"Records": [notification() | {"eventName": "ObjectRemoved:Delete"}]}
    assert reason(event) == (
        "the event of 'incoming/a.xml' is 'ObjectRemoved:Delete'; accepted: ObjectCreated:*"
    )


def test_bad_record_does_not_hide_the_good_ones() -> None:
    found, errors = objects_in({"Records": [{}, notification(), {"body": "x"}]})
    assert [ref.key for ref in found] == ["incoming/a.xml"]
    assert len(errors) == 2


def test_reason_is_short_however_long_the_record() -> None:
    assert len(reason({"Records": [{"x": "y" * 100_000}]})) < 300
