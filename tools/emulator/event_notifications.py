"""The permission of S3 to send event notifications of a bucket to a queue."""

from __future__ import annotations

from typing import Any

from moto.kms.models import kms_backends
from moto.sqs.models import sqs_backends

from lib.iam_policy import Decision, Request, evaluate
from tools.emulator.authorization import ConditionContext

SERVICE_CONTEXT: ConditionContext = {
    "aws:SecureTransport": "true",
    "aws:PrincipalIsAWSService": "true",
}
"""Condition keys of a request that an AWS service sends."""


def may_notify_queue(account_id: str, bucket: str, queue_arn: str) -> bool:
    """Return whether the queue's policy and its key's policy allow notifications of a bucket."""
    _, partition, _, region, _, name = queue_arn.split(":")
    queue: Any = sqs_backends[account_id][region].queues.get(name)
    if queue is None or not queue.policy:
        return False
    send_context = SERVICE_CONTEXT | {
        "aws:SourceArn": f"arn:{partition}:s3:::{bucket}",
        "aws:SourceAccount": account_id,
    }
    # SQS calls KMS. That it passes on aws:SourceArn or aws:SourceAccount is not documented.
    key_context: ConditionContext = {"kms:EncryptionContext:aws:sqs:arn": queue_arn}

    def allows(policy: str, action: str, resource: str, context: ConditionContext) -> bool:
        api_request = Request(action, resource, "s3.amazonaws.com", context)
        return evaluate([policy], api_request) is Decision.ALLOW

    if not allows(queue.policy, "sqs:SendMessage", queue_arn, send_context):
        return False
    if not queue.kms_master_key_id:
        return True
    kms = kms_backends[account_id][region]
    key = kms.keys.get(kms.any_id_to_key_id(queue.kms_master_key_id))
    # S3 may not use the AWS managed key of SQS, which is not among these keys.
    return key is not None and all(
        allows(key.policy, action, key.arn, key_context)
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )
