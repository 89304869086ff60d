"""Queues: what they keep, for how long, and whom they let in."""

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
QUEUE, DEAD_LETTERS = "DataProcessing/Queue", "DataProcessing/Queue/DeadLetters"


@pytest.fixture(scope="module")
def queue(tap: Template) -> Resource:
    return tap.get("aws_sqs_queue", QUEUE)


@pytest.fixture(scope="module")
def dead_letters(tap: Template) -> Resource:
    return tap.get("aws_sqs_queue", DEAD_LETTERS)


def test_there_are_no_other_queues(tap: Template) -> None:
    assert {one.path: one["name"] for one in tap.of_type("aws_sqs_queue")} == {
        QUEUE: "results-queue-unit",
        DEAD_LETTERS: "results-dead-letters-unit",
    }


def test_both_are_under_the_key(tap: Template, queue: Resource, dead_letters: Resource) -> None:
    key = tap.get("aws_kms_key").ref("arn")
    assert [one["kms_master_key_id"] for one in (queue, dead_letters)] == [key, key]


def test_after_five_receptions_a_message_is_a_dead_letter(
    queue: Resource, dead_letters: Resource
) -> None:
    assert json.loads(queue["redrive_policy"]) == {
        "deadLetterTargetArn": dead_letters.ref("arn"),
        "maxReceiveCount": 5,
    }
    assert "redrive_policy" not in dead_letters.body


def test_dead_letters_come_from_this_queue_alone(
    tap: Template, queue: Resource, dead_letters: Resource
) -> None:
    allowed = tap.get("aws_sqs_queue_redrive_allow_policy")
    assert allowed["queue_url"] == dead_letters.ref("url")
    assert json.loads(allowed["redrive_allow_policy"]) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [queue.ref("arn")],
    }


def test_dead_letters_are_kept_longer_than_messages(
    queue: Resource, dead_letters: Resource
) -> None:
    assert dead_letters["message_retention_seconds"] == 14 * DAY
    assert queue["message_retention_seconds"] == 10 * DAY


@pytest.mark.parametrize(
    ("timeout", "window", "hidden"), [("300", "0", 1800), ("60", "20", 380), ("900", "300", 5700)]
)
def test_a_message_is_hidden_for_six_timeouts_and_the_window(
    timeout: str, window: str, hidden: int, synth: Synthesizer
) -> None:
    template = synth(
        "tap",
        TAP_PROCESSING_TIMEOUT_SECONDS=timeout,
        TAP_PROCESSING_BATCHING_WINDOW_SECONDS=window,
    )
    assert template.get("aws_sqs_queue", QUEUE)["visibility_timeout_seconds"] == hidden
    assert visibility_timeout(int(timeout), int(window)) == hidden


def test_policies_refuse_plain_http_and_let_the_bucket_send(tap: Template) -> None:
    def statements(path: str, of: Resource) -> dict[str, dict[str, Any]]:
        policy = tap.get("aws_sqs_queue_policy", path)
        assert policy["queue_url"] == of.ref("url")
        return policy.statements()

    queue, dead_letters = (tap.get("aws_sqs_queue", path) for path in (QUEUE, DEAD_LETTERS))
    deny = {
        "Sid": "DenyPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    assert statements(f"{QUEUE}/DeadLettersPolicy", dead_letters) == {
        "DenyPlainHttp": deny | {"Resource": dead_letters.ref("arn")}
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


def test_statements_are_added_in_order(stack: UnitStack) -> None:
    made = Queue(
        stack,
        "Queue",
        context=stack.context,
        kind="some-queue",
        dead_letter_kind="some-dead-letters",
        visibility_timeout_seconds=60,
    )
    for sid in ("One", "Two"):
        made.allow(Statement(sid=sid, principals=service("x"), actions=("sqs:SendMessage",)))
    template = stack.template()
    assert [*template.get("aws_sqs_queue_policy", "Queue/Policy").statements()] == [
        *("DenyPlainHttp", "One", "Two")
    ]
    assert template.get("aws_sqs_queue", "Queue")["visibility_timeout_seconds"] == 60
