"""S3: versions can be emptied, access logs go to dated folders, news goes where it may."""

# moto's objects have no types worth naming.
# ruff: noqa: ANN401

from __future__ import annotations

import itertools
import json
from typing import Any
from urllib.parse import quote_plus

from moto.core.responses import ActionResult
from moto.kms.models import kms_backends
from moto.s3 import notifications
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker
from moto.s3.responses import S3Response
from moto.sqs.models import sqs_backends
from moto.utilities.utils import get_partition

from tools.emulator.patching import put
from tools.emulator.policies import Call, Verdict, judge

Circumstances = dict[str, str | list[str]]


def let_delete_markers_be_deleted() -> None:
    """A version that is a delete marker can be deleted; moto stumbles over it.

    ``force_destroy`` empties a bucket that way.
    """

    def dispose(self: Any, garbage: bool = False) -> None:
        """There is no content to let go of."""

    put(FakeDeleteMarker, dispose=dispose)


def keep_the_key_format_of_access_logs() -> None:
    """A bucket's logging tells its object key format; moto stores it and leaves it out.

    The provider would set it again in every plan.
    """
    original = S3Response.get_bucket_logging

    def get_bucket_logging(self: Any) -> Any:
        logging = self.backend.get_bucket_logging(self.bucket_name)
        if not logging or "TargetObjectKeyFormat" not in logging:
            return original(self)
        wanted = logging["TargetObjectKeyFormat"] or {}
        # An element without content is parsed as None, and would be left out of the answer.
        key_format = {name: value or {} for name, value in wanted.items()}
        self.data["Action"] = "GetBucketLogging"
        answer = {
            "LoggingEnabled": {
                "TargetBucket": logging["TargetBucket"],
                "TargetPrefix": logging["TargetPrefix"],
                "TargetObjectKeyFormat": key_format,
            }
        }
        return self.serialized(ActionResult(answer))

    put(S3Response, get_bucket_logging=get_bucket_logging)


def _may_send(account_id: str, bucket: str, queue_arn: str) -> bool:
    """May S3 send the news of a bucket to a queue, by the queue's policy and its key's?"""
    _, partition, _, region, _, name = queue_arn.split(":")
    queue: Any = sqs_backends[account_id][region].queues.get(name)
    if queue is None or not queue.policy:
        return False
    sending: Circumstances = {
        "aws:SourceArn": f"arn:{partition}:s3:::{bucket}",
        "aws:SourceAccount": account_id,
        "aws:SecureTransport": "true",
        "aws:PrincipalIsAWSService": "true",
    }

    # It is SQS that asks the key; whether it passes on whose news it is, is not documented.
    encrypting: Circumstances = {"kms:EncryptionContext:aws:sqs:arn": queue_arn}

    def allows(policy: str, action: str, resource: str, keys: Circumstances) -> bool:
        call = Call(action, resource, "s3.amazonaws.com", keys)
        return judge(json.loads(policy), call) is Verdict.ALLOW

    if not allows(queue.policy, "sqs:SendMessage", queue_arn, sending):
        return False
    kms = kms_backends[account_id][region]
    if not queue.kms_master_key_id:
        return True
    key = kms.keys.get(kms.any_id_to_key_id(queue.kms_master_key_id))
    # S3 may not use the key that AWS manages for SQS.
    return key is not None and all(
        allows(key.policy, action, key.arn, encrypting)
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )


def refuse_destinations_it_may_not_send_to() -> None:
    """A notification to a queue that S3 may not send to is refused; moto takes any that exists.

    AWS tries with a test event when the notification is made.
    """
    original = FakeBucket.set_notification_configuration

    def set_notification_configuration(self: Any, wanted: dict[str, Any] | None) -> None:
        for queue in (wanted or {}).get("QueueConfiguration", []):
            if not _may_send(self.account_id, self.name, queue["Queue"]):
                raise S3ClientError(
                    "InvalidArgument",
                    "Unable to validate the following destination configurations",
                )
        original(self, wanted)

    put(FakeBucket, set_notification_configuration=set_notification_configuration)


def send_to_queues_that_allow_it() -> None:
    """News that a queue's policy or its key refuses is lost; moto sends it all the same."""
    original = notifications._send_sqs_message

    def send(account_id: str, event_body: Any, queue_name: str, region_name: str) -> None:
        records = event_body.get("Records")
        bucket = records[0]["s3"]["bucket"]["name"] if records else event_body["Bucket"]
        arn = f"arn:{get_partition(region_name)}:sqs:{region_name}:{account_id}:{queue_name}"
        if _may_send(account_id, bucket, arn):
            original(account_id, event_body, queue_name, region_name)

    notifications._send_sqs_message = send


def send_news_with_all_its_fields() -> None:
    """News tells version and order of an object, and keeps the slashes of its key; moto does not.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    original = notifications._get_s3_event
    sequence = itertools.count(1)

    def event(
        event_name: str, bucket: Any, key: Any, notification_id: str
    ) -> dict[str, list[dict[str, Any]]]:
        made = original(event_name, bucket, key, notification_id)
        about = made["Records"][0]["s3"]["object"]
        about["key"] = quote_plus(key.name, safe="/")
        about["sequencer"] = f"{next(sequence):018X}"
        if bucket.is_versioned:
            about["versionId"] = key.version_id
        return made

    notifications._get_s3_event = event
