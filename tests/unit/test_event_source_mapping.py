"""The event source mapping, with a fake queue and a fake function."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from tools.local import event_source_mapping as module
from tools.local.event_source_mapping import EventSourceMapping, MappingConfig
from tools.local.function import Invocation

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

    def receive_message(self, **_: Any) -> dict[str, Any]:
        taken, self.messages = self.messages[:1], self.messages[1:]
        return {"Messages": taken}

    def delete_message(self, *, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803
        if ReceiptHandle == self.stuck:
            raise ConnectionError("the queue is unavailable")
        self.deleted.append(ReceiptHandle)


class Process:
    """A handler's process whose handler reports no failures."""

    def __init__(self, _: object) -> None:
        pass

    def invoke(self, _: object) -> Invocation:
        return Invocation({"batchItemFailures": []}, 1.0)

    def kill(self) -> None:
        pass

    end = kill


def mapping_of(monkeypatch: pytest.MonkeyPatch, queue: Queue) -> EventSourceMapping:
    function = SimpleNamespace(settings={"Role": "role"}, close=lambda: None)
    monkeypatch.setattr(MappingConfig, "of", lambda *_: CONFIG)
    monkeypatch.setattr(module, "LocalFunction", lambda *_, **__: function)
    monkeypatch.setattr(module, "FunctionProcess", Process)
    emulator: Any = SimpleNamespace(client=lambda *_, **__: queue)
    return EventSourceMapping(emulator, "function", batch_size=1)


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
