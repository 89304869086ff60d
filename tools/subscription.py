"""A temporary subscription of an SQS queue to an SNS topic."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self


class TopicSubscription:
    """A queue that receives the messages of a topic, inside a `with` block.

    Its end deletes the subscription and the queue. `client` creates a boto3 client of a service in
    the Region of the topic.
    """

    def __init__(self, client: Callable[[str], Any], topic_arn: str, queue_name: str) -> None:
        self._sqs, self._sns = client("sqs"), client("sns")
        self._topic_arn, self._queue_name = topic_arn, queue_name
        self._url = ""
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        arn = f"{self._topic_arn.rpartition(':')[0].replace(':sns:', ':sqs:')}:{self._queue_name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self._topic_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        with ExitStack() as stack:
            created = self._sqs.create_queue(
                QueueName=self._queue_name, Attributes={"Policy": policy}
            )
            self._url = created["QueueUrl"]
            stack.callback(self._sqs.delete_queue, QueueUrl=self._url)
            subscribed = self._sns.subscribe(
                TopicArn=self._topic_arn, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
            )
            stack.callback(self._sns.unsubscribe, SubscriptionArn=subscribed["SubscriptionArn"])
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def messages(self, wait_seconds: int = 1) -> list[str]:
        """The messages that have arrived since the last call; waits for one."""
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
        )
        found = answer.get("Messages", [])
        for one in found:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=one["ReceiptHandle"])
        return [json.loads(one["Body"])["Message"] for one in found]
