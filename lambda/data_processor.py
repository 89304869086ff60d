"""Lambda handler that processes test reports: stores their cases and writes summaries.

The deployment package contains the modules of this folder and the packages that
`requirements.txt` pins; the Python runtime of Lambda provides boto3. The execution role requires
`s3:GetObject` and `s3:GetObjectVersion` on the incoming prefix, `s3:PutObject` on the processed
and the quarantine prefix, `s3:ListBucket` on the bucket (without it S3 answers 403 instead of 404
for a missing object), `secretsmanager:GetSecretValue` on the secret of the database, and
`kms:Decrypt` and `kms:GenerateDataKey` on the key.

Invalid input is logged and reported in the response, because a retry would fail in the same way.
Transient errors are raised, so that Lambda retries the message or the invocation. Processing is
idempotent: an object that is processed twice gives the same rows and the same summary.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple, TypeGuard

import boto3
from aws_lambda_powertools import Logger
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
from object_events import EventError, ObjectRef, parse_event
from object_processing import NoReportError, ObjectProcessor, ProcessingResult, RejectedError
from store import Store

SERVICE = "data-processor"
METRICS_NAMESPACE = "TestResults"

# Maximum timeout of a Lambda function; assumed where the context does not give a remaining time.
_MAX_INVOCATION_SECONDS = 900

_CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
)


class _Runtime(NamedTuple):
    """Objects that an execution environment creates once and reuses in each invocation."""

    logger: Logger
    metrics: Metrics
    processor: ObjectProcessor


@cache
def _runtime() -> _Runtime:
    environment = Environment.read(os.environ)
    metrics = Metrics(namespace=METRICS_NAMESPACE, service=SERVICE)
    metrics.set_default_dimensions(environment=environment.suffix)
    s3 = boto3.client("s3", config=_CLIENT_CONFIG)
    secrets = boto3.client("secretsmanager", config=_CLIENT_CONFIG)
    store = Store(Database(environment.database, secrets))
    processor = ObjectProcessor(environment, s3, store)
    return _Runtime(create_logger(environment.log_level, environment.suffix), metrics, processor)


def create_logger(level: str, environment_suffix: str) -> Logger:
    """Return a logger that writes one JSON object per line to standard output.

    Each line has the fields `level`, `message`, `timestamp` (RFC 3339, UTC), `service` and
    `environment`, and those given to the call; fields without a value are omitted.
    """
    return Logger(
        service=SERVICE,
        level=level,
        # ASCII with escape sequences: a key or a message cannot inject another line, and an
        # unpaired surrogate cannot raise an encoding error.
        json_serializer=partial(json.dumps, default=str),
        use_rfc3339=True,
        utc=True,
        serialize_stacktrace=False,
        location=None,
        environment=environment_suffix,
    )


@dataclass(slots=True)
class _Outcome:
    """Results for the objects of one event or message."""

    processed: list[str] = field(default_factory=list)
    """Keys of the summaries."""
    rejected: list[dict[str, str | None]] = field(default_factory=list)
    transient_errors: list[Exception] = field(default_factory=list)
    """Errors that require a retry."""
    unresolved_errors: list[Exception] = field(default_factory=list)
    """Rejections without a copy in quarantine; the message moves to the dead-letter queue."""


class _InsufficientTimeError(Exception):
    """A message was not started, because the invocation could end before it is processed."""


class _Invocation:
    """State of one call of the handler."""

    def __init__(self, runtime: _Runtime, context: object) -> None:
        self._logger = runtime.logger
        self._metrics = runtime.metrics
        self._processor = runtime.processor
        self._context = context
        self._counts: Counter[str] = Counter()
        self._longest_seconds = 0.0

    def process_event(self, event: object) -> _Outcome:
        """Process each object that the event references."""
        outcome = _Outcome()
        objects, errors = parse_event(event)
        for error in errors:
            self._logger.warning("event rejected", reason=str(error))
            self._add_rejection(outcome, None, error)
            outcome.unresolved_errors.append(error)
        for ref in objects:
            try:
                outcome.processed.append(self._process_object(ref))
            except RejectedError as rejection:
                self._logger.warning("report rejected", reason=str(rejection), **ref._asdict())
                self._add_rejection(outcome, ref.key, rejection)
                if not (rejection.quarantined or isinstance(rejection, NoReportError)):
                    outcome.unresolved_errors.append(rejection)
            except Exception as error:
                self._logger.exception("report failed and will be retried", **ref._asdict())
                self._counts["ReportsFailed"] += 1
                outcome.transient_errors.append(error)
        return outcome

    def process_message(self, record: SQSRecord) -> None:
        """Process a message of the queue; raises the error for which it stays in the queue.

        A message is not started when the remaining time is shorter than the longest message took
        so far: an invocation that times out reports no partial failures, so that Lambda would
        return the processed messages of the batch to the queue, too.
        """
        remaining = self._remaining_seconds()
        if remaining < self._longest_seconds:
            self._logger.info("message returned to the queue", seconds_left=remaining)
            raise _InsufficientTimeError(f"remaining time: {remaining} s")
        try:
            outcome = self.process_event({"Records": [record.raw_event]})
        finally:
            elapsed = remaining - self._remaining_seconds()
            self._longest_seconds = max(self._longest_seconds, elapsed)
        for error in (*outcome.transient_errors, *outcome.unresolved_errors):
            raise error

    def publish_metrics(self) -> None:
        """Write the counts to the log in the CloudWatch embedded metric format."""
        if self._counts:
            for name, count in sorted(self._counts.items()):
                self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
            self._metrics.flush_metrics()

    def _remaining_seconds(self) -> float:
        get_milliseconds = getattr(self._context, "get_remaining_time_in_millis", None)
        return float(get_milliseconds() / 1000) if get_milliseconds else _MAX_INVOCATION_SECONDS

    def _process_object(self, ref: ObjectRef) -> str:
        result: ProcessingResult = self._processor.process(ref)
        self._logger.info(
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

    def _add_rejection(
        self, outcome: _Outcome, key: str | None, error: EventError | RejectedError
    ) -> None:
        self._counts["ReportsRejected"] += 1
        outcome.rejected.append({"key": key, "reason": str(error)})


def handler(event: object, context: object) -> dict[str, Any]:
    """Process each object that the event references (see `object_events`).

    For messages of a queue the response is
    `{"batchItemFailures": [{"itemIdentifier": id}, ...]}` with the messages that failed with a
    transient error, that reference nothing that can be quarantined, or that were not started
    because of insufficient time.
    For other events it is `{"processed": [summary key, ...], "rejected": [{"key": ...,
    "reason": ...}, ...]}`; the key is `None` where an event references no object. After a
    transient error the remaining objects are still processed; then the first error is raised.
    """
    runtime = _runtime()
    runtime.logger.append_keys(request_id=getattr(context, "aws_request_id", None))
    invocation = _Invocation(runtime, context)
    try:
        if _contains_queue_messages(event):
            # No exception if all messages failed: the alarms use the metrics of the queue and of
            # this function, and the Errors metric of Lambda then reports defects only.
            batch = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
            return dict(process_partial_response(event, invocation.process_message, batch))
        outcome = invocation.process_event(event)
    finally:
        invocation.publish_metrics()
    if outcome.transient_errors:
        raise outcome.transient_errors[0]
    return {"processed": outcome.processed, "rejected": outcome.rejected}


def _contains_queue_messages(event: object) -> TypeGuard[dict[str, Any]]:
    records = event.get("Records") if isinstance(event, dict) else None
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(record, dict) and "messageId" in record for record in records)
    )
