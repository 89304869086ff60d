"""The function's handler: reports of test results in, summaries out.

The package holds the modules of this folder and nothing else: they need the standard library and
boto3, which the Python runtime of Lambda brings along, so there are no requirements to install.
Rights it needs: `s3:GetObject` and `s3:GetObjectVersion` on the incoming prefix, `s3:PutObject` on
the processed one, `s3:ListBucket` on the bucket (without it a missing object looks like a missing
right), and `kms:Decrypt` and `kms:GenerateDataKey` on the key.

Bad input is answered, not raised: a retry would fail alike. Passing faults are raised, so that
Lambda tries again; doing an object twice gives the same summary.
"""

import os
from functools import cache
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

from environment import Environment
from json_log import JsonLog, open_log
from object_events import ObjectRef, objects_in
from object_processing import ObjectProcessor, RejectedError

_S3_CONFIG = Config(
    connect_timeout=3,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 4},
)


class _Runtime(NamedTuple):
    """What one execution environment sets up once."""

    log: JsonLog
    processor: ObjectProcessor


@cache
def _runtime() -> _Runtime:
    environment = Environment.read(os.environ)
    log = open_log(environment.log_level, environment=environment.suffix)
    s3 = boto3.client("s3", config=_S3_CONFIG)
    return _Runtime(log, ObjectProcessor(environment, s3))


def handler(event: object, context: object) -> dict[str, list[Any]]:
    """Process each object that the event names (see `object_events`).

    Returns `{"processed": [summary key, ...], "rejected": [{"key": ..., "reason": ...}, ...]}`,
    the key being `None` where an event names no object. When an object meets a passing fault,
    the others are still processed; then the first fault is raised.
    """
    runtime = _runtime()
    log = runtime.log.bound(request_id=getattr(context, "aws_request_id", None))
    processed: list[str] = []
    rejected: list[dict[str, str | None]] = []
    faults: list[Exception] = []

    objects, errors = objects_in(event)
    for error in errors:
        log.warning("event rejected", reason=str(error))
        rejected.append({"key": None, "reason": str(error)})
    for ref in objects:
        try:
            processed.append(_process(ref, runtime.processor, log))
        except RejectedError as error:
            log.warning("report rejected", reason=str(error), **ref._asdict())
            rejected.append({"key": ref.key, "reason": str(error)})
        except Exception as fault:  # raised below, after the other objects
            log.exception("report failed, to be tried again", fault, **ref._asdict())
            faults.append(fault)
    if faults:
        raise faults[0]
    return {"processed": processed, "rejected": rejected}


def _process(ref: ObjectRef, processor: ObjectProcessor, log: JsonLog) -> str:
    result = processor.process(ref)
    log.info(
        "report processed",
        **ref._asdict(),
        summary_key=result.summary_key,
        format=result.format,
        cases=result.cases,
    )
    return result.summary_key
