"""Queues: retention, encryption, redrive and policies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.iam_policy import Statement, service
from lib.messaging.queue import Queue, visibility_timeout
from tests.support.synthesis import Synthesizer
from tests.support.template import Resource, Template
from tests.unit.conftest import UnitStack

DAY = 86_400
QUEUE, DEAD_LETTER_QUEUE = "DataProcessing/Queue", "DataProcessing/Queue/DeadLetters"


@pytest.fixture(scope="module")
def queue(tap: Template) -> Resource:
    return tap.get("aws_sqs_queue", QUEUE)


@pytest.fixture(scope="module")
def dead_letter_queue(tap: Template) -> Resource:
    return tap.get("aws_sqs_queue", DEAD_LETTER_QUEUE)


def test_stack_has_a_queue_and_a_dead_letter_queue(tap: Template) -> None:
    assert {one.path: one["name"] for one in tap.of_type("aws_sqs_queue")} == {
        QUEUE: "results-queue-unit",
        DEAD_LETTER_QUEUE: "results-dead-letters-unit",
    }


def test_queues_are_encrypted_with_the_key(
    tap: Template, queue: Resource, dead_letter_queue: Resource
) -> None:
    key = tap.get("aws_kms_key").ref("arn")
    assert [one["kms_master_key_id"] for one in (queue, dead_letter_queue)] == [key, key]


def test_messages_are_moved_to_the_dead_letter_queue_after_five_receives(
    queue: Resource, dead_letter_queue: Resource
) -> None:
    assert json.loads(queue["redrive_policy"]) == {
        "deadLetterTargetArn": dead_letter_queue.ref("arn"),
        "maxReceiveCount": 5,
    }
    assert "redrive_policy" not in dead_letter_queue.body


def test_dead_letter_queue_accepts_messages_of_this_queue_only(
    tap: Template, queue: Resource, dead_letter_queue: Resource
) -> None:
    allowed = tap.get("aws_sqs_queue_redrive_allow_policy")
    assert allowed["queue_url"] == dead_letter_queue.ref("url")
    assert json.loads(allowed["redrive_allow_policy"]) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [queue.ref("arn")],
    }


def test_dead_letter_queue_has_a_longer_retention(
    queue: Resource, dead_letter_queue: Resource
) -> None:
    assert dead_letter_queue["message_retention_seconds"] == 14 * DAY
    assert queue["message_retention_seconds"] == 10 * DAY


@pytest.mark.parametrize(
    ("timeout", "window", "expected"), [("300", "0", 1800), ("60", "20", 380), ("900", "300", 5700)]
)
def test_visibility_timeout_is_six_timeouts_and_the_batching_window(
    timeout: str, window: str, expected: int, synth: Synthesizer
) -> None:
    template = synth(
        "tap",
        TAP_PROCESSING_TIMEOUT_SECONDS=timeout,
        TAP_PROCESSING_BATCHING_WINDOW_SECONDS=window,
    )
    assert template.get("aws_sqs_queue", QUEUE)["visibility_timeout_seconds"] == expected
    assert visibility_timeout(int(timeout), int(window)) == expected


def test_policies_deny_plain_http_and_allow_the_bucket_to_send(tap: Template) -> None:
    def statements(path: str, of: Resource) -> dict[str, dict[str, Any]]:
        policy = tap.get("aws_sqs_queue_policy", path)
        assert policy["queue_url"] == of.ref("url")
        return policy.statements()

    queue, dead_letter_queue = (
        tap.get("aws_sqs_queue", path) for path in (QUEUE, DEAD_LETTER_QUEUE)
    )
    deny = {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert statements(f"{QUEUE}/DeadLettersPolicy", dead_letter_queue) == {
        "DenyPlainHttp": deny | {"Resource": dead_letter_queue.ref("arn")}
    }
    assert statements(f"{QUEUE}/Policy", queue) == {
        "DenyPlainHttp": deny | {"Resource": queue.ref("arn")},
        "AllowS3SendMessage": {
            "Sid": "AllowS3SendMessage",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue.ref("arn"),
            "Condition": {
                "StringEquals": {"aws:SourceAccount": tap.account_id},
                "ArnLike": {
                    "aws:SourceArn": tap.get("aws_s3_bucket", "DataProcessing/Data").ref("arn")
                },
            },
        },
    }


def test_allow_adds_statements_in_order(stack: UnitStack) -> None:
    queue = Queue(
        stack,
        "Queue",
        context=stack.context,
        kind="some-queue",
        dead_letter_kind="some-dead-letters",
        visibility_timeout_seconds=60,
    )
    for sid in ("One", "Two"):
        queue.allow(Statement(sid=sid, principals=service("x"), actions=("sqs:SendMessage",)))
    template = stack.template()
    assert [*template.get("aws_sqs_queue_policy", "Queue/Policy").statements()] == [
        *("DenyPlainHttp", "One", "Two")
    ]
    assert template.get("aws_sqs_queue", "Queue")["visibility_timeout_seconds"] == 60
