"""Parses the event of an invocation and returns the objects that it references.

Accepted are S3 event notifications (`Records[].s3`), S3 event notifications in the bodies of SQS
messages (`Records[].body`), and direct invocations with
`{"bucket": ..., "key": ..., "versionId": ...}`, where `versionId` is optional.
"""

import json
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from report_model import format_value

_ACCEPTED = 'S3 event notifications, SQS messages that contain them, or {"bucket": ..., "key": ...}'


class ObjectRef(NamedTuple):
    """A version of an S3 object; without a version id, its latest version."""

    bucket: str
    key: str
    version_id: str | None = None


class EventError(Exception):
    """An event or a record references no object. A retry fails in the same way."""


def parse_event(event: object) -> tuple[list[ObjectRef], list[EventError]]:
    """Return the objects that the event references, and an error for each invalid record."""
    objects: list[ObjectRef] = []
    errors: list[EventError] = []
    try:
        records = _records(event)
    except EventError as error:
        return [], [error]
    for record in records:
        try:
            objects.extend(_parse_record(record))
        except EventError as error:
            errors.append(error)
    return objects, errors


def _records(event: object) -> list[Any]:
    if not isinstance(event, dict):
        raise EventError(f"event: received {format_value(event)}; accepted: {_ACCEPTED}")
    if isinstance(event.get("Records"), list):
        records: list[Any] = event["Records"]
        return records
    if event.get("Event") == "s3:TestEvent":
        return []  # sent by S3 when the notification is configured
    if "bucket" in event or "key" in event:
        return [event]
    raise EventError(
        f"event: received the fields {format_value(list(event))}; accepted: {_ACCEPTED}"
    )


def _parse_record(record: object) -> list[ObjectRef]:
    if isinstance(record, dict) and "s3" in record:
        return [_parse_notification(record)]
    if isinstance(record, dict) and isinstance(record.get("body"), str):
        notifications = _records(_decode_body(record["body"]))
        return [_parse_notification(notification) for notification in notifications]
    if isinstance(record, dict) and "bucket" in record:
        return [_validate_ref(record["bucket"], record.get("key"), record.get("versionId"))]
    raise EventError(f"record: received {format_value(record)}; accepted: {_ACCEPTED}")


def _decode_body(body: str) -> object:
    try:
        decoded: object = json.loads(body)
    except (ValueError, RecursionError):
        raise EventError(
            f"message body: received {format_value(body)}; accepted: an S3 event notification"
        ) from None
    return decoded


def _parse_notification(record: object) -> ObjectRef:
    fields: Any = record  # any other structure raises one of the exceptions below
    try:
        name = fields.get("eventName", "ObjectCreated:")
        bucket = fields["s3"]["bucket"]["name"]
        s3_object = fields["s3"]["object"]
        key = unquote_plus(s3_object["key"], errors="strict")
        version_id = s3_object.get("versionId")
    except (AttributeError, KeyError, TypeError, ValueError):
        raise EventError(
            f"record: received {format_value(record)}; accepted: s3.bucket.name and s3.object.key"
        ) from None
    if not str(name).startswith("ObjectCreated:"):
        raise EventError(
            f"eventName of {format_value(key)}: received {format_value(name)};"
            " accepted: ObjectCreated:*"
        )
    return _validate_ref(bucket, key, version_id)


def _validate_ref(bucket: object, key: object, version_id: object) -> ObjectRef:
    for name, value in (("bucket", bucket), ("key", key)):
        if not isinstance(value, str) or not value:
            raise EventError(f"{name}: received {format_value(value)}; accepted: a name")
    if version_id is not None and (not isinstance(version_id, str) or not version_id):
        raise EventError(
            f"versionId: received {format_value(version_id)}; accepted: a version id, or none"
        )
    return ObjectRef(str(bucket), str(key), version_id)
