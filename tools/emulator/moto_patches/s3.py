"""Patches of S3: bucket policies, server access logs, delete markers and event notifications."""

# moto's classes have no type annotations.
# ruff: noqa: ANN401

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import quote_plus

from flask import request
from moto.core.responses import ActionResult
from moto.iam.access_control import PermissionResult
from moto.s3 import notifications
from moto.s3.models import FakeBucket, FakeDeleteMarker
from moto.s3.responses import S3Response
from moto.utilities.utils import get_partition

from lib.iam_policy import Decision, Request, evaluate
from tools.emulator.authorization import condition_context, current_caller
from tools.emulator.event_notifications import SERVICE_CONTEXT, may_notify_queue
from tools.emulator.moto_patches.patching import moto_patch, replace

_PERMISSIONS = {
    Decision.ALLOW: PermissionResult.PERMITTED,
    Decision.DENY: PermissionResult.DENIED,
    Decision.IMPLICIT_DENY: PermissionResult.NEUTRAL,
}


@moto_patch
def evaluate_bucket_policy_statements() -> None:
    """Evaluate a bucket policy with its principals, resources and conditions.

    moto 5.2.5: evaluates no condition, so that a conditional Deny denies every request; evaluates
    HeadObject and the deletion of a version as actions of other names.

    AWS: evaluates every element of a statement; HeadObject requires ``s3:GetObject``, the deletion
    of a version ``s3:DeleteObjectVersion``.

    Reason: the buckets deny requests without TLS, which would deny all requests.
    """

    def get_permission(self: Any, action: str, resource: str) -> PermissionResult:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        action = action.replace("s3:HeadObject", "s3:GetObject")
        if action == "s3:DeleteObject" and "versionId" in request.args:
            action = "s3:DeleteObjectVersion"
        caller = current_caller()
        api_request = Request(action, resource, caller.principal, condition_context(caller))
        return _PERMISSIONS[evaluate([json.loads(self.policy)], api_request)]

    replace(FakeBucket, get_permission=get_permission)


@moto_patch
def evaluate_put_bucket_logging_target_policy() -> None:
    """Require in PutBucketLogging that the policy of the target bucket allows the delivery.

    moto 5.2.5: requires an Allow statement for ``logging.s3.amazonaws.com`` with one of three exact
    resources, and ignores its conditions and every Deny statement.

    AWS: delivers only what the policy of the target bucket allows to that service principal, with
    ``aws:SourceArn`` and ``aws:SourceAccount`` of the source bucket.

    Reason: a wrong condition would remain undetected until no log arrives in AWS.
    """

    def log_permissions_enabled_policy(
        self: Any, target_bucket: Any, target_prefix: str | None
    ) -> bool:
        if not target_bucket.policy:
            return False
        log_file = f"arn:aws:s3:::{target_bucket.name}/{target_prefix or ''}example"
        context = SERVICE_CONTEXT | {
            "aws:SourceArn": f"arn:aws:s3:::{self.name}",
            "aws:SourceAccount": self.account_id,
            "aws:PrincipalServiceName": "logging.s3.amazonaws.com",
            "s3:TlsVersion": "1.3",
        }
        delivery = Request("s3:PutObject", log_file, "logging.s3.amazonaws.com", context)
        return evaluate([json.loads(target_bucket.policy)], delivery) is Decision.ALLOW

    replace(FakeBucket, _log_permissions_enabled_policy=log_permissions_enabled_policy)


@moto_patch
def delete_object_version_of_delete_marker() -> None:
    """Delete a version that is a delete marker in DeleteObject and DeleteObjects.

    moto 5.2.5: fails with an attribute error.

    AWS: deletes the delete marker.

    Reason: ``force_destroy`` deletes all versions of a bucket in this way.
    """

    def dispose(self: Any, garbage: bool = False) -> None:
        """Release nothing: a delete marker has no content."""

    replace(FakeDeleteMarker, dispose=dispose)


@moto_patch
def return_get_bucket_logging_target_object_key_format() -> None:
    """Return ``TargetObjectKeyFormat`` from GetBucketLogging.

    moto 5.2.5: stores the format and omits it from the response.

    AWS: returns it.

    Reason: the provider plans to set the format again in every plan.
    """
    original = S3Response.get_bucket_logging

    def get_bucket_logging(self: Any) -> Any:
        logging = self.backend.get_bucket_logging(self.bucket_name)
        if not logging or "TargetObjectKeyFormat" not in logging:
            return original(self)
        stored = logging["TargetObjectKeyFormat"] or {}
        # moto parses an element without content as None and omits None from responses.
        key_format = {name: value or {} for name, value in stored.items()}
        self.data["Action"] = "GetBucketLogging"
        response = {
            "LoggingEnabled": {
                "TargetBucket": logging["TargetBucket"],
                "TargetPrefix": logging["TargetPrefix"],
                "TargetObjectKeyFormat": key_format,
            }
        }
        return self.serialized(ActionResult(response))

    replace(S3Response, get_bucket_logging=get_bucket_logging)


@moto_patch
def authorize_event_notification_send_message() -> None:
    """Drop event notifications that the policy of the queue or of its KMS key does not allow.

    moto 5.2.5: sends every notification.

    AWS: the notification is lost.

    Reason: a policy that changes after the notification was configured must show its effect.
    """
    original = notifications._send_sqs_message

    def send_sqs_message(
        account_id: str, event_body: Any, queue_name: str, region_name: str
    ) -> None:
        records = event_body.get("Records")
        bucket = records[0]["s3"]["bucket"]["name"] if records else event_body["Bucket"]
        partition = get_partition(region_name)
        queue_arn = f"arn:{partition}:sqs:{region_name}:{account_id}:{queue_name}"
        if may_notify_queue(account_id, bucket, queue_arn):
            original(account_id, event_body, queue_name, region_name)

    replace(notifications, _send_sqs_message=send_sqs_message)


@moto_patch
def return_event_notification_object_fields() -> None:
    """Return ``versionId`` and ``sequencer`` in event notifications, and keys with their slashes.

    moto 5.2.5: omits ``versionId`` and ``sequencer``, and percent-encodes the slashes of ``key``.

    AWS: sends all three
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).

    Reason: the function reads the version of the object that the notification names.
    """
    original = notifications._get_s3_event
    sequence = itertools.count(1)

    def get_s3_event(
        event_name: str, bucket: Any, key: Any, notification_id: str
    ) -> dict[str, list[dict[str, Any]]]:
        event = original(event_name, bucket, key, notification_id)
        fields = event["Records"][0]["s3"]["object"]
        fields["key"] = quote_plus(key.name, safe="/")
        fields["sequencer"] = f"{next(sequence):018X}"
        if bucket.is_versioned:
            fields["versionId"] = key.version_id
        return event

    replace(notifications, _get_s3_event=get_s3_event)
