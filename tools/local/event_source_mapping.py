"""Runs an event source mapping: invokes a deployed function with the messages of an SQS queue.

The emulator stores the mapping: queue, batch size, maximum concurrency, and whether the function
reports the messages that failed. As on AWS, messages are received and deleted with the function's
role. Successful messages are deleted; a failed message becomes visible again when its visibility
timeout ends, and moves to the dead-letter queue when it has been received too often.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tools.emulator import Emulator
from tools.errors import ToolError
from tools.local.function import FunctionError, FunctionProcess, Invocation, LocalFunction

# The maximum of SQS.
_RECEIVE_AT_MOST = 10
_POLL_SECONDS = 0.2
# Lambda's initial concurrency for a mapping without a maximum.
_DEFAULT_CONCURRENCY = 5


@dataclass(frozen=True)
class MappingConfig:
    """The configuration of a deployed event source mapping of an SQS queue."""

    queue_arn: str
    queue_url: str
    batch_size: int
    maximum_concurrency: int
    reports_item_failures: bool

    @classmethod
    def of(cls, emulator: Emulator, function_name: str) -> Self:
        """The mapping of a function; raises ToolError unless it has exactly one that is enabled."""
        found = emulator.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        ending = f":function:{function_name}"
        mappings = [one for one in found if one["FunctionArn"].endswith(ending)]
        if len(mappings) != 1 or mappings[0].get("State") != "Enabled":
            states = [one.get("State") for one in mappings]
            raise ToolError(
                f"event source mappings of {function_name}: received {states};"
                " accepted: one that is Enabled. Deploy the stack, or set"
                " TAP_PROCESSING_RESERVED_CONCURRENCY to more than 0."
            )
        (mapping,) = mappings
        arn = str(mapping["EventSourceArn"])
        url = emulator.client("sqs").get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
        scaling = mapping.get("ScalingConfig") or {}
        return cls(
            queue_arn=arn,
            queue_url=url,
            batch_size=int(mapping["BatchSize"]),
            maximum_concurrency=int(scaling.get("MaximumConcurrency", _DEFAULT_CONCURRENCY)),
            reports_item_failures="ReportBatchItemFailures"
            in mapping.get("FunctionResponseTypes", []),
        )


@dataclass(frozen=True)
class Delivery:
    """One batch with which the function was invoked, and its result."""

    message_ids: tuple[str, ...]
    failed: frozenset[str]
    """Ids of the messages that remain in the queue."""
    error: str = ""
    """Why the whole batch failed; empty if the handler returned a result."""
    peak_memory_mib: float = 0.0


class EventSourceMapping:
    """Invokes a function with the messages of its queue, inside a `with` block.

    A failed message is retried when the queue's visibility timeout ends (half an hour), or after
    `retry_seconds`. `overrides` are variables of the handler's environment; `concurrency` and
    `batch_size` replace the deployed values.
    """

    def __init__(
        self,
        emulator: Emulator,
        function_name: str,
        *,
        overrides: Mapping[str, str] | None = None,
        log_path: Path | None = None,
        retry_seconds: int | None = None,
        concurrency: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        self.config = MappingConfig.of(emulator, function_name)
        self.function = LocalFunction(
            emulator, function_name, overrides=overrides, log_path=log_path
        )
        self.deliveries: list[Delivery] = []
        self._retry_seconds = retry_seconds
        self._batch_size = batch_size or self.config.batch_size
        self._sqs = emulator.client("sqs", role_arn=self.function.settings["Role"])
        self._administration = emulator.client("sqs")
        most = concurrency or self.config.maximum_concurrency
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="mapping")
        # Last in, first out: the process that was used last is warm.
        self._idle: queue.LifoQueue[FunctionProcess] = queue.LifoQueue()
        self._processes = [FunctionProcess(self.function) for _ in range(most)]
        for process in self._processes:
            self._idle.put(process)
        self._busy = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll, daemon=True)

    def drain(self, timeout_seconds: float) -> None:
        """Wait until the queue has no messages, visible or not; raise ToolError after the timeout.

        A message that keeps failing leaves the queue for the dead-letter queue.
        """
        until = time.monotonic() + timeout_seconds
        while self._remaining():
            if time.monotonic() > until:
                log = "\n".join(self.function.log().splitlines()[-15:])
                raise ToolError(
                    f"queue {self.config.queue_url}: {self._remaining()} messages remain after"
                    f" {timeout_seconds:.0f} s; the end of the function's log:\n{log}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Kill the processes. The messages they are processing remain in the queue, as they do
        when a host of Lambda fails.
        """
        self._stopping.set()
        if self._poller.is_alive():
            self._poller.join()
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in self._processes:
            process.kill()
        self._pool.shutdown()
        for process in self._processes:
            process.end()

    def _remaining(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._administration.get_queue_attributes(
            QueueUrl=self.config.queue_url, AttributeNames=names
        )
        with self._lock:
            return self._busy + sum(int(answer["Attributes"][name]) for name in names)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            try:
                process = self._idle.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            with self._lock:
                self._busy += 1
            messages = self._receive()
            if messages:
                self._pool.submit(self._deliver, process, messages)
                continue
            self._release(process)
            self._stopping.wait(_POLL_SECONDS)

    def _release(self, process: FunctionProcess) -> None:
        self._idle.put(process)
        with self._lock:
            self._busy -= 1

    def _receive(self) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        while len(messages) < self._batch_size:
            try:
                answer = self._sqs.receive_message(
                    QueueUrl=self.config.queue_url,
                    MaxNumberOfMessages=min(_RECEIVE_AT_MOST, self._batch_size - len(messages)),
                    AttributeNames=["All"],
                    MessageAttributeNames=["All"],
                )
            except Exception as error:
                print(f"event source mapping: the queue cannot be read: {error}", file=sys.stderr)
                break
            if not answer.get("Messages"):
                break
            messages += answer["Messages"]
        return messages

    def _deliver(self, process: FunctionProcess, messages: list[dict[str, Any]]) -> None:
        ids = tuple(message["MessageId"] for message in messages)
        try:
            invocation = process.invoke({"Records": [self._record(one) for one in messages]})
            failed = self._failed(invocation, ids)
            delivery = Delivery(ids, failed, "", invocation.peak_memory_mib)
        except FunctionError as error:
            delivery = Delivery(ids, frozenset(ids), str(error))
        except Exception as error:  # received messages must not be deleted
            delivery = Delivery(ids, frozenset(ids), f"{type(error).__name__}: {error}")
        try:
            if not self._stopping.is_set():
                self._delete_successful(messages, delivery.failed)
        except Exception as error:  # no message is lost: it becomes visible again
            print(f"event source mapping: messages cannot be deleted: {error}", file=sys.stderr)
        finally:
            self.deliveries.append(delivery)
            self._release(process)

    def _failed(self, invocation: Invocation, ids: tuple[str, ...]) -> frozenset[str]:
        if not self.config.reports_item_failures:
            return frozenset()
        answer = invocation.result
        failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
        named = frozenset(one.get("itemIdentifier", "") for one in failures or [])
        # As on Lambda, an unknown id fails the whole batch.
        return named if named <= set(ids) else frozenset(ids)

    def _delete_successful(
        self, messages: Iterable[dict[str, Any]], failed: frozenset[str]
    ) -> None:
        for message in messages:
            of = {"QueueUrl": self.config.queue_url, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] not in failed:
                self._sqs.delete_message(**of)
            elif self._retry_seconds is not None:
                self._sqs.change_message_visibility(**of, VisibilityTimeout=self._retry_seconds)

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        """The message in the form of a Lambda event, whose field names differ from those of SQS."""
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": message.get("MessageAttributes", {}),
            "md5OfBody": message.get("MD5OfBody", ""),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.config.queue_arn,
            "awsRegion": self.config.queue_arn.split(":")[3],
        }

    def __enter__(self) -> Self:
        self._poller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.function.close()
