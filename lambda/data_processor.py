"""The function's handler: reports of test results in, rows and summaries out.

The package holds the modules of this folder and what `requirements.txt` pins; boto3 comes with the
Python runtime of Lambda. Rights it needs: `s3:GetObject` and `s3:GetObjectVersion` on the incoming
prefix, `s3:PutObject` on the processed and the quarantine one, `s3:ListBucket` on the bucket
(without it a missing object looks like a missing right), `secretsmanager:GetSecretValue` on the
secret of the database, and `kms:Decrypt` and `kms:GenerateDataKey` on the key.

Bad input is answered, not raised: a retry would fail alike. Passing faults are raised, so that
the message or the invocation is tried again; doing an object twice gives the same rows and summary.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, TypeGuard

import boto3
from aws_lambda_powertools.metrics import Metrics, MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.config import Config

from database import Database
from environment import Environment
from json_log import SERVICE, JsonLog, open_log
from object_events import EventError, ObjectRef, objects_in
from object_processing import ObjectProcessor, Processed, RejectedError
from store import Store

METRICS_NAMESPACE = "TestResults"

# No invocation lasts longer: what is left where nobody says.
_LONGEST_INVOCATION_SECONDS = 900

_CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
)


class _Runtime(NamedTuple):
    """What one execution environment sets up once."""

    log: JsonLog
    metrics: Metrics
    processor: ObjectProcessor


@cache
def _runtime() -> _Runtime:
    environment = Environment.read(os.environ)
    log = open_log(environment.log_level, environment=environment.suffix)
    metrics = Metrics(namespace=METRICS_NAMESPACE, service=SERVICE)
    metrics.set_default_dimensions(environment=environment.suffix)
    s3 = boto3.client("s3", config=_CLIENT_CONFIG)
    secrets = boto3.client("secretsmanager", config=_CLIENT_CONFIG)
    store = Store(Database(environment.database, secrets))
    return _Runtime(log, metrics, ObjectProcessor(environment, s3, store))


@dataclass(slots=True)
class _Outcome:
    """What came of the objects of one event or message."""

    processed: list[str] = field(default_factory=list)
    rejected: list[dict[str, str | None]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    """To be tried again."""
    lost: list[Exception] = field(default_factory=list)
    """Rejected, and kept nowhere: a message is left to the dead-letter queue for these."""


class _NoTimeLeftError(Exception):
    """A message that was not begun, since the invocation might end in the middle of it."""


class _Invocation:
    """One call of the handler."""

    def __init__(self, runtime: _Runtime, log: JsonLog, context: object) -> None:
        self._runtime = runtime
        self._log = log
        self._context = context
        self._counts: Counter[str] = Counter()
        self._longest_seconds = 0.0

    def run(self, event: object) -> _Outcome:
        """Process each object that the event names."""
        outcome = _Outcome()
        objects, errors = objects_in(event)
        for error in errors:
            self._log.warning("event rejected", reason=str(error))
            self._reject(outcome, None, error)
        for ref in objects:
            try:
                outcome.processed.append(self._process(ref))
            except RejectedError as error:
                self._log.warning("report rejected", reason=str(error), **ref._asdict())
                self._reject(outcome, ref.key, error)
            except Exception as fault:
                self._log.exception("report failed, to be tried again", fault, **ref._asdict())
                self._counts["ReportsFailed"] += 1
                outcome.faults.append(fault)
        return outcome

    def message(self, record: SQSRecord) -> None:
        """Process a message; raises what keeps it in the queue.

        None is begun in less time than the longest so far took: an invocation that is cut off
        names no failures, and brings back the messages that it was done with, too.
        """
        left = self._seconds_left()
        if left < self._longest_seconds:
            self._log.info("message left in the queue", seconds_left=left)
            raise _NoTimeLeftError(f"{left} s are left")
        try:
            outcome = self.run({"Records": [record.raw_event]})
        finally:
            self._longest_seconds = max(self._longest_seconds, left - self._seconds_left())
        for reason in (*outcome.faults, *outcome.lost):
            raise reason

    def flush(self) -> None:
        """Publish the counts as metrics: a line of the log in CloudWatch's embedded format."""
        if self._counts:
            for name, count in sorted(self._counts.items()):
                self._runtime.metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
            self._runtime.metrics.flush_metrics()

    def _seconds_left(self) -> float:
        ask = getattr(self._context, "get_remaining_time_in_millis", None)
        return float(ask() / 1000) if ask else _LONGEST_INVOCATION_SECONDS

    def _process(self, ref: ObjectRef) -> str:
        result: Processed = self._runtime.processor.process(ref)
        self._log.info(
            "report processed",
            **ref._asdict(),
            summary_key=result.summary_key,
            format=result.format,
            cases=result.cases,
            stored=result.stored,
        )
        self._counts["ReportsProcessed"] += 1
        if result.stored:
            self._counts["CasesStored"] += result.cases
        else:
            self._counts["ReportsStoredBefore"] += 1
        return result.summary_key

    def _reject(
        self, outcome: _Outcome, key: str | None, error: EventError | RejectedError
    ) -> None:
        self._counts["ReportsRejected"] += 1
        outcome.rejected.append({"key": key, "reason": str(error)})
        if not getattr(error, "settled", False):
            outcome.lost.append(error)


def handler(event: object, context: object) -> dict[str, Any]:
    """Process each object that the event names (see `object_events`).

    Messages of a queue are answered with `{"batchItemFailures": [{"itemIdentifier": id}, ...]}`:
    those that met a passing fault, those that name nothing that could be put into quarantine, and
    those for which too little time was left.
    Other events are answered with `{"processed": [summary key, ...], "rejected": [{"key": ...,
    "reason": ...}, ...]}`, the key being `None` where an event names no object. When an object
    meets a passing fault, the others are still processed; then the first fault is raised.
    """
    runtime = _runtime()
    log = runtime.log.bound(request_id=getattr(context, "aws_request_id", None))
    invocation = _Invocation(runtime, log, context)
    try:
        if _holds_messages(event):
            # An answer also where all failed: the alarms watch the queue and the metrics.
            batch = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
            return dict(process_partial_response(event, invocation.message, batch))
        outcome = invocation.run(event)
    finally:
        invocation.flush()
    if outcome.faults:
        raise outcome.faults[0]
    return {"processed": outcome.processed, "rejected": outcome.rejected}


def _holds_messages(event: object) -> TypeGuard[dict[str, Any]]:
    records = event.get("Records") if isinstance(event, dict) else None
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(record, dict) and "messageId" in record for record in records)
    )
