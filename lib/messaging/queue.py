"""Queues that lose nothing: what cannot be processed waits among the dead letters."""

from __future__ import annotations

import json

from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy
from cdktf_cdktf_provider_aws.sqs_queue_redrive_allow_policy import SqsQueueRedriveAllowPolicy
from constructs import Construct

from lib.iam_policy import Statement, document
from lib.security.key import EncryptionKey
from lib.settings import Settings

DAY_SECONDS = 24 * 3600
# The longest SQS has. A message keeps its age when it is moved, so that dead letters must be kept
# longer than the queue keeps what waits: here four days are left to look at them, at the least.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
DEAD_LETTER_RETENTION_SECONDS = 14 * DAY_SECONDS
RETENTION_SECONDS = 10 * DAY_SECONDS
# Lambda reads from a queue while its function is throttled, and each such reading counts: with
# fewer than five a busy hour would make dead letters of good messages.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
MAXIMUM_RECEIVES = 5
# Time for a batch and for Lambda's own attempts when the function is throttled (same page).
VISIBILITY_PER_TIMEOUT = 6


def visibility_timeout(function_timeout_seconds: int, batching_window_seconds: int) -> int:
    """Seconds for which a received message is hidden: six timeouts, and the time to batch it."""
    return VISIBILITY_PER_TIMEOUT * function_timeout_seconds + batching_window_seconds


class Queue(Construct):
    """Creates an SQS queue and the queue of its dead letters, both under the customer managed key.

    Guarantee: nothing comes or goes over plain HTTP, nothing lies unencrypted, and no message is lost
    to a fault: what was received `MAXIMUM_RECEIVES` times without being deleted is kept among the
    dead letters for 14 days, from where it can be put back. No other queue may use them.

    Whoever sends by a policy of the queue is let in by `allow`; what needs that waits for `policy`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        settings: Settings,
        key: EncryptionKey,
        kind: str,
        dead_letters_kind: str,
        visibility_timeout_seconds: int,
    ) -> None:
        super().__init__(scope, id_)
        self.dead_letters = SqsQueue(
            self,
            "DeadLetters",
            name=settings.name(dead_letters_kind),
            kms_master_key_id=key.arn,
            message_retention_seconds=DEAD_LETTER_RETENTION_SECONDS,
            tags=settings.name_tag(dead_letters_kind),
        )
        self.queue = SqsQueue(
            self,
            "Resource",
            name=settings.name(kind),
            kms_master_key_id=key.arn,
            message_retention_seconds=RETENTION_SECONDS,
            visibility_timeout_seconds=visibility_timeout_seconds,
            redrive_policy=_compact(
                {
                    "deadLetterTargetArn": self.dead_letters.arn,
                    "maxReceiveCount": MAXIMUM_RECEIVES,
                }
            ),
            tags=settings.name_tag(kind),
        )
        self.arn, self.url = self.queue.arn, self.queue.url
        self.visibility_timeout_seconds = visibility_timeout_seconds
        # Apart from the queue of dead letters, as each of the two names the other.
        SqsQueueRedriveAllowPolicy(
            self,
            "RedriveAllow",
            queue_url=self.dead_letters.url,
            redrive_allow_policy=_compact(
                {"redrivePermission": "byQueue", "sourceQueueArns": [self.arn]}
            ),
        )
        self._statements = [_deny_plain_http(self.arn)]
        self.policy = SqsQueuePolicy(
            self, "Policy", queue_url=self.url, policy=document(*self._statements)
        )
        SqsQueuePolicy(
            self,
            "DeadLettersPolicy",
            queue_url=self.dead_letters.url,
            policy=document(_deny_plain_http(self.dead_letters.arn)),
        )

    def allow(self, *statements: Statement) -> None:
        """Add statements to the queue's policy."""
        self._statements.extend(statements)
        self.policy.policy = document(*self._statements)


def _compact(value: object) -> str:
    # As SQS writes it; with spaces each plan would show a change.
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
