"""SQS queues with a dead-letter queue."""

from __future__ import annotations

import json

from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy
from cdktf_cdktf_provider_aws.sqs_queue_redrive_allow_policy import SqsQueueRedriveAllowPolicy
from constructs import Construct

from lib.context import Context
from lib.iam_policy import Statement, document, service
from lib.security.key import KEY_WRITE
from lib.security.policy_document import PolicyDocument

DAY_SECONDS = 24 * 3600
# The maximum of SQS. A message keeps its age when SQS moves it, so the dead-letter queue needs a
# longer retention than the queue: at least four days remain to inspect a message.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
DEAD_LETTER_RETENTION_SECONDS = 14 * DAY_SECONDS
RETENTION_SECONDS = 10 * DAY_SECONDS
# Lambda receives messages while its function is throttled, and each receive counts: with fewer than
# five, throttling moves valid messages to the dead-letter queue.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
MAXIMUM_RECEIVES = 5
# AWS recommends six times the function timeout for event source mappings (same page).
VISIBILITY_PER_TIMEOUT = 6


def visibility_timeout(function_timeout_seconds: int, batching_window_seconds: int) -> int:
    """Visibility timeout in seconds for a queue that is the event source of a function."""
    return VISIBILITY_PER_TIMEOUT * function_timeout_seconds + batching_window_seconds


class Queue(Construct):
    """Creates an SQS queue and its dead-letter queue, both encrypted with the key of the context.

    Guarantee: requests over plain HTTP are denied, messages are encrypted, and a message that is
    received `MAXIMUM_RECEIVES` times without being deleted is kept in the dead-letter queue for 14
    days, from where it can be redriven. No other queue may use that dead-letter queue.

    `allow` and `allow_bucket` add senders to the queue policy; resources that send depend on
    `policy`. `dead_letter_kind` names the dead-letter queue (`<kind>-dead-letter` by default).
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        context: Context,
        kind: str,
        dead_letter_kind: str | None = None,
        visibility_timeout_seconds: int,
    ) -> None:
        super().__init__(scope, id_)
        self._context, self._kind = context, kind
        dead_letter_kind = dead_letter_kind or f"{kind}-dead-letter"
        key = context.key
        key.allow_via_service("sqs")
        self.dead_letter_queue = SqsQueue(
            self,
            "DeadLetters",
            name=context.name(dead_letter_kind),
            kms_master_key_id=key.arn,
            message_retention_seconds=DEAD_LETTER_RETENTION_SECONDS,
            tags=context.name_tag(dead_letter_kind),
        )
        self.queue = SqsQueue(
            self,
            "Resource",
            name=context.name(kind),
            kms_master_key_id=key.arn,
            message_retention_seconds=RETENTION_SECONDS,
            visibility_timeout_seconds=visibility_timeout_seconds,
            redrive_policy=_compact(
                {
                    "deadLetterTargetArn": self.dead_letter_queue.arn,
                    "maxReceiveCount": MAXIMUM_RECEIVES,
                }
            ),
            tags=context.name_tag(kind),
        )
        self.arn, self.url = self.queue.arn, self.queue.url
        self.visibility_timeout_seconds = visibility_timeout_seconds
        # A resource of its own, because the two queues refer to each other.
        SqsQueueRedriveAllowPolicy(
            self,
            "RedriveAllow",
            queue_url=self.dead_letter_queue.url,
            redrive_allow_policy=_compact(
                {"redrivePermission": "byQueue", "sourceQueueArns": [self.arn]}
            ),
        )
        self._document = PolicyDocument(_deny_plain_http(self.arn))
        self.policy = SqsQueuePolicy(
            self, "Policy", queue_url=self.url, policy=self._document.to_json()
        )
        self._document.attach(self.policy)
        SqsQueuePolicy(
            self,
            "DeadLettersPolicy",
            queue_url=self.dead_letter_queue.url,
            policy=document(_deny_plain_http(self.dead_letter_queue.arn)),
        )

    def allow(self, *statements: Statement) -> None:
        """Add statements to the queue policy."""
        self._document.add(*statements)

    def allow_bucket(self, bucket_arn: str) -> None:
        """Let S3 send event notifications of a bucket of this account to the queue.

        S3 uses the key as a service principal; SQS passes the queue as encryption context. S3 sends
        a test event when the notification is created, so a missing permission is reported.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
        """
        account = self._context.account
        # By name: the key policy must not refer to the queue, which refers to the key.
        queue_arn = account.arn("sqs", self._context.name(self._kind))
        self._context.key.allow_service(
            "s3",
            sid="AllowS3EventNotifications",
            actions=KEY_WRITE,
            conditions={"StringEquals": {"kms:EncryptionContext:aws:sqs:arn": queue_arn}},
        )
        self.allow(
            Statement(
                sid="AllowS3SendMessage",
                principals=service("s3"),
                actions=("sqs:SendMessage",),
                resources=(self.arn,),
                conditions={
                    "StringEquals": {"aws:SourceAccount": account.id},
                    "ArnLike": {"aws:SourceArn": bucket_arn},
                },
            )
        )


def _compact(value: object) -> str:
    # SQS returns it without spaces; with spaces every plan shows a change.
    return json.dumps(value, separators=(",", ":"))


def _deny_plain_http(arn: str) -> Statement:
    return Statement(
        sid="DenyPlainHttp",
        effect="Deny",
        principals="*",
        actions=("sqs:*",),
        resources=(arn,),
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
