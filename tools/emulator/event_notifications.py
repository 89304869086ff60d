"""The permissions of S3 and RDS to send event notifications to a queue or a topic."""

from __future__ import annotations

from typing import Any

from moto.kms.models import kms_backends
from moto.sns.models import sns_backends
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

    principal = "s3.amazonaws.com"
    if not _allows(queue.policy, principal, "sqs:SendMessage", queue_arn, send_context):
        return False
    return _may_encrypt(account_id, region, queue.kms_master_key_id, principal, key_context)


def may_publish_events(account_id: str, topic_arn: str) -> bool:
    """Return whether the topic's policy and its key's policy allow events of RDS."""
    region = topic_arn.split(":")[3]
    topic: Any = sns_backends[account_id][region].topics.get(topic_arn)
    if topic is None:
        return False
    principal = "events.rds.amazonaws.com"
    context = SERVICE_CONTEXT | {"aws:SourceAccount": account_id}
    if not _allows(topic.policy, principal, "sns:Publish", topic_arn, context):
        return False
    # SNS calls KMS with the topic as encryption context.
    key_context: ConditionContext = {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}
    return _may_encrypt(account_id, region, topic.kms_master_key_id, principal, key_context)


def _allows(
    policy: str, principal: str, action: str, resource: str, context: ConditionContext
) -> bool:
    return evaluate([policy], Request(action, resource, principal, context)) is Decision.ALLOW


def _may_encrypt(
    account_id: str, region: str, key_id: str | None, principal: str, context: ConditionContext
) -> bool:
    """Return whether the policy of a customer managed key lets a service send messages."""
    if not key_id:
        return True
    kms = kms_backends[account_id][region]
    key = kms.keys.get(kms.any_id_to_key_id(key_id))
    # Services may not use the AWS managed keys, which are not among these keys.
    return key is not None and all(
        _allows(key.policy, principal, action, key.arn, context)
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )
