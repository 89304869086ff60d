"""The event source mapping, with a fake queue and a fake function."""

from __future__ import annotations

import dataclasses
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tools.errors import ToolError
from tools.local import event_source_mapping as module
from tools.local.event_source_mapping import EventSourceMapping, MappingConfig
from tools.local.function import FunctionError, Invocation

CONFIG = MappingConfig(
    queue_arn="arn:aws:sqs:us-east-1:123456789012:results",
    queue_url="url",
    batch_size=5,
    maximum_concurrency=2,
    reports_item_failures=True,
)


class Queue:
    """An SQS client that returns each message once and fails to delete the message `stuck`."""

    def __init__(self, *bodies: str, stuck: str = "") -> None:
        self.messages = [
            {"MessageId": body, "ReceiptHandle": body, "Body": body} for body in bodies
        ]
        self.stuck = stuck
        self.deleted: list[str] = []
        self.retried: list[str] = []

    def change_message_visibility(
        self,
        *,
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
        **_: Any,
    ) -> None:
        self.retried.append(f"{ReceiptHandle} after {VisibilityTimeout}")

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return {"Attributes": dict(zip(names, (len(self.messages), 0), strict=True))}

    def get_queue_url(self, *, QueueName: str) -> dict[str, str]:  # noqa: N803
        return {"QueueUrl": f"https://queues/{QueueName}"}

    def receive_message(self, **_: Any) -> dict[str, Any]:
        taken, self.messages = self.messages[:1], self.messages[1:]
        return {"Messages": taken}

    def delete_message(self, *, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803
        if ReceiptHandle == self.stuck:
            raise ConnectionError("the queue is unavailable")
        self.deleted.append(ReceiptHandle)


class Process:
    """A handler's process: fails the messages `fail`, and the batches of `raise` and `crash`."""

    def __init__(self, _: object) -> None:
        pass

    def invoke(self, event: Any) -> Invocation:
        bodies = {record["body"]: record["messageId"] for record in event["Records"]}
        if "raise" in bodies:
            raise FunctionError("out of memory")
        if "crash" in bodies:
            raise OSError("pipe")
        if "unknown" in bodies:
            return Invocation({"batchItemFailures": [{"itemIdentifier": "other"}]}, 1.0)
        failed = [{"itemIdentifier": bodies["fail"]}] if "fail" in bodies else []
        return Invocation({"batchItemFailures": failed}, 1.0)

    def kill(self) -> None:
        pass

    end = kill


def mapping_of(
    monkeypatch: pytest.MonkeyPatch, queue: Queue, retry_seconds: int | None = None
) -> EventSourceMapping:
    function = SimpleNamespace(
        settings={"Role": "role"}, close=lambda: None, log=lambda: "one\ntwo"
    )
    monkeypatch.setattr(MappingConfig, "of", lambda *_: CONFIG)
    monkeypatch.setattr(module, "LocalFunction", lambda *_, **__: function)
    monkeypatch.setattr(module, "FunctionProcess", Process)
    emulator: Any = SimpleNamespace(client=lambda *_, **__: queue)
    return EventSourceMapping(emulator, "function", batch_size=1, retry_seconds=retry_seconds)


def run_until(mapping: EventSourceMapping, count: int) -> None:
    until = time.monotonic() + 10
    with mapping:
        while len(mapping.deliveries) < count:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_successful_messages_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue("a", "b", "c")
    run_until(mapping_of(monkeypatch, queue), 3)
    assert sorted(queue.deleted) == ["a", "b", "c"]


def test_failure_to_delete_a_message_is_reported_and_processing_continues(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = Queue("a", "b", "c", stuck="b")
    run_until(mapping_of(monkeypatch, queue), 3)
    assert sorted(queue.deleted) == ["a", "c"]
    assert "messages cannot be deleted: the queue is unavailable" in capsys.readouterr().err


def test_failed_messages_are_retried_and_the_error_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = Queue("a", "fail", "raise", "crash", "unknown")
    mapping = mapping_of(monkeypatch, queue, retry_seconds=2)
    run_until(mapping, 5)
    assert queue.deleted == ["a"]
    assert sorted(queue.retried) == [
        *("crash after 2", "fail after 2", "raise after 2", "unknown after 2")
    ]
    errors = {delivery.error for delivery in mapping.deliveries}
    assert errors == {"", "out of memory", "OSError: pipe"}


def test_without_reported_item_failures_the_whole_batch_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = Queue("fail")
    mapping = mapping_of(monkeypatch, queue)
    mapping.config = dataclasses.replace(CONFIG, reports_item_failures=False)
    run_until(mapping, 1)
    assert queue.deleted == ["fail"]


def test_drain_ends_with_an_empty_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue("a", "b")
    with mapping_of(monkeypatch, queue) as mapping:
        mapping.drain(10)
    assert sorted(queue.deleted) == ["a", "b"]


def test_drain_reports_the_log_after_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue("a")
    mapping = mapping_of(monkeypatch, queue)
    with pytest.raises(ToolError, match=r"queue url: 1 messages remain after 0 s; .*\none\ntwo"):
        mapping.drain(0)


def test_unreadable_queue_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = Queue()

    def refuse(**_: Any) -> None:
        raise ConnectionError("the queue is unavailable")

    monkeypatch.setattr(queue, "receive_message", refuse)
    mapping = mapping_of(monkeypatch, queue)
    assert mapping._receive() == []
    assert "the queue cannot be read: the queue is unavailable" in capsys.readouterr().err


@pytest.mark.parametrize("states", [[], ["Disabled"], ["Enabled", "Enabled"]])
def test_function_without_exactly_one_enabled_mapping_is_an_error(states: list[str]) -> None:
    with pytest.raises(ToolError, match="accepted: one that is Enabled"):
        MappingConfig.of(lambda_client(*states), "one")


def test_configuration_is_read_from_the_deployed_mapping() -> None:
    config = MappingConfig.of(lambda_client("Enabled"), "one")
    assert config == MappingConfig(
        "arn:aws:sqs:us-east-1:123456789012:results", "https://queues/results", 10, 5, True
    )


def lambda_client(*states: str) -> Any:
    """An emulator whose function `one` has mappings in these states."""
    mapping = {
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:one",
        "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:results",
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    found = {"EventSourceMappings": [mapping | {"State": state} for state in states]}
    functions = SimpleNamespace(list_event_source_mappings=lambda: found)
    clients = {"lambda": functions, "sqs": Queue()}
    return SimpleNamespace(client=lambda service: clients[service])
