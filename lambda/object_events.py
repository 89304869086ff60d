"""Which objects an event is about.

Three kinds of event are known: S3 notifications (`Records[].s3`), the same as the bodies of SQS
messages (`Records[].body`), and a direct invocation with
`{"bucket": ..., "key": ..., "versionId": ...}`, where `versionId` may be missing.
"""

import json
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from report_model import shown

_ACCEPTED = 'an S3 notification, SQS messages that hold some, or {"bucket": ..., "key": ...}'


class ObjectRef(NamedTuple):
    """One version of an object; the newest one without a version id."""

    bucket: str
    key: str
    version_id: str | None = None


class EventError(Exception):
    """An event, or a record of one, that names no object; invoking again would not help."""


def objects_in(event: object) -> tuple[list[ObjectRef], list[EventError]]:
    """The objects that the event names, and what is wrong with records that name none."""
    objects: list[ObjectRef] = []
    errors: list[EventError] = []
    try:
        records = _records(event)
    except EventError as error:
        return [], [error]
    for record in records:
        try:
            objects.extend(_objects_of(record))
        except EventError as error:
            errors.append(error)
    return objects, errors


def _records(event: object) -> list[Any]:
    if not isinstance(event, dict):
        raise EventError(f"the event is {shown(event)}; accepted: {_ACCEPTED}")
    if isinstance(event.get("Records"), list):
        records: list[Any] = event["Records"]
        return records
    if event.get("Event") == "s3:TestEvent":
        return []  # S3 sends it once, when the notification is set up
    if "bucket" in event or "key" in event:
        return [event]
    raise EventError(f"the event has the fields {shown(list(event))}; accepted: {_ACCEPTED}")


def _objects_of(record: object) -> list[ObjectRef]:
    if isinstance(record, dict) and "s3" in record:
        return [_notified(record)]
    if isinstance(record, dict) and isinstance(record.get("body"), str):
        return [_notified(notification) for notification in _records(_decoded(record["body"]))]
    if isinstance(record, dict) and "bucket" in record:
        return [_ref(record["bucket"], record.get("key"), record.get("versionId"))]
    raise EventError(f"the record is {shown(record)}; accepted: {_ACCEPTED}")


def _decoded(body: str) -> object:
    try:
        decoded: object = json.loads(body)
    except (ValueError, RecursionError):
        raise EventError(f"the message is {shown(body)}; accepted: a JSON notification") from None
    return decoded


def _notified(record: object) -> ObjectRef:
    fields: Any = record  # whatever it is not shows at once
    try:
        name = fields.get("eventName", "ObjectCreated:")
        bucket = fields["s3"]["bucket"]["name"]
        found = fields["s3"]["object"]
        key = unquote_plus(found["key"], errors="strict")
        version_id = found.get("versionId")
    except (AttributeError, KeyError, TypeError, ValueError):
        raise EventError(
            f"the record is {shown(record)}; accepted: s3.bucket.name and s3.object.key"
        ) from None
    if not str(name).startswith("ObjectCreated:"):
        raise EventError(f"the event of {shown(key)} is {shown(name)}; accepted: ObjectCreated:*")
    return _ref(bucket, key, version_id)


def _ref(bucket: object, key: object, version_id: object) -> ObjectRef:
    for name, value in (("bucket", bucket), ("key", key)):
        if not isinstance(value, str) or not value:
            raise EventError(f"{name} is {shown(value)}; accepted: a name")
    if version_id is not None and (not isinstance(version_id, str) or not version_id):
        raise EventError(f"versionId is {shown(version_id)}; accepted: a version id, or none")
    return ObjectRef(str(bucket), str(key), version_id)
