"""The worker that plays Lambda's event source mapping, with a queue and a function of its own."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from tools import worker as module
from tools.local_function import Invocation
from tools.worker import EventSource, Worker

SOURCE = EventSource(
    queue_arn="arn:aws:sqs:us-east-1:123456789012:results",
    queue_url="url",
    batch_size=5,
    maximum_concurrency=2,
    names_failures=True,
)


class Queue:
    """An SQS that gives each message once, and refuses to delete those it is told to."""

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
            raise ConnectionError("the queue is away")
        self.deleted.append(ReceiptHandle)


class Process:
    """A handler's process whose handler takes all for done."""

    def __init__(self, _: object) -> None:
        pass

    def invoke(self, _: object) -> Invocation:
        return Invocation({"batchItemFailures": []}, 1.0)

    def kill(self) -> None:
        pass

    end = kill


def working(monkeypatch: pytest.MonkeyPatch, queue: Queue) -> Worker:
    function = SimpleNamespace(settings={"Role": "role"}, close=lambda: None)
    monkeypatch.setattr(EventSource, "of", lambda *_: SOURCE)
    monkeypatch.setattr(module, "LocalFunction", lambda *_, **__: function)
    monkeypatch.setattr(module, "FunctionProcess", Process)
    emulator: Any = SimpleNamespace(client=lambda *_, **__: queue)
    return Worker(emulator, "function", batch_size=1)


def delivered(worker: Worker, count: int) -> None:
    until = time.monotonic() + 10
    with worker:
        while len(worker.deliveries) < count:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_what_is_done_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue("a", "b", "c")
    delivered(working(monkeypatch, queue), 3)
    assert sorted(queue.deleted) == ["a", "b", "c"]


def test_message_that_cannot_be_deleted_is_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = Queue("a", "b", "c", stuck="b")
    delivered(working(monkeypatch, queue), 3)
    assert sorted(queue.deleted) == ["a", "c"]
    assert "cannot be told what is done: the queue is away" in capsys.readouterr().err
