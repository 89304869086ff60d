"""Checks of the data path: a sample becomes rows and a summary, prohibited uploads are denied."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tools.checks import CheckFailedError, UndeterminedError, is_denied
from tools.verify_aws.stack import DeployedStack

_SUITE = "verify-aws"
# Passed and skipped: a failure would appear in the views of new failures.
_REPORT = f"""<?xml version="1.0"?>
<testsuite name="{_SUITE}" tests="3">
  <testcase classname="{_SUITE}" name="first" time="0.1"/>
  <testcase classname="{_SUITE}" name="second" time="0.2"/>
  <testcase classname="{_SUITE}" name="third" time="0"><skipped/></testcase>
</testsuite>
"""
_TOTALS = {"cases": 3, "passed": 2, "skipped": 1}
_EXPLICIT_DENY = "explicit deny in a resource-based policy"


def summary(stack: DeployedStack) -> str:
    """An uploaded report becomes a summary, which the function writes after storing its rows.

    The object remains, because its deletion requires MFA; it expires like every report.
    """
    s3, bucket = stack.client("s3"), stack.output("data_bucket_name")
    name = f"verify-aws/{stack.run_id}.xml"
    started = time.monotonic()
    s3.put_object(Bucket=bucket, Key=f"incoming/{name}", Body=_REPORT.encode())
    stack.accepted_upload = f"incoming/{name}"
    key = f"processed/{name}.summary.json"
    found = stack.wait_for(lambda: _object(s3, bucket, key))
    if found is None:
        stack.not_observed(
            f"incoming/{name} has no summary after {stack.limit_seconds:g} s: read the log of the"
            " function and the dead-letter queue"
        )
    totals = json.loads(found["Body"].read())["totals"]
    actual = {count: totals.get(count) for count in _TOTALS}
    if actual != _TOTALS:
        raise CheckFailedError(f"{key} counts {actual}; expected: {_TOTALS}")
    if found.get("SSEKMSKeyId") != stack.output("kms_key_arn"):
        raise CheckFailedError(f"{key} is encrypted with {found.get('SSEKMSKeyId')}")
    stack.processed = True
    seconds = time.monotonic() - started
    counts = ", ".join(f"{count} {name}" for name, count in _TOTALS.items())
    return f"s3://{bucket}/{key} after {seconds:.0f} s: {counts}; encrypted with the stack's key"


def _object(s3: Any, bucket: str, key: str) -> Mapping[str, Any] | None:  # noqa: ANN401
    # Not GetObject alone: AWS records each request for a missing key as an error.
    if not s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"]:
        return None
    found: Mapping[str, Any] = s3.get_object(Bucket=bucket, Key=key)
    return found


def rows(stack: DeployedStack) -> str:
    """The function reports in its log that it stored the rows of the sample.

    The database is private and is not queried.
    """
    if not stack.processed:
        raise UndeterminedError("the sample was not processed; see the check of the summary")
    logs, group = stack.client("logs"), f"/aws/lambda/{stack.output('function_name')}"

    def stored() -> dict[str, Any] | None:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group,
            filterPattern=f'"{stack.accepted_upload}"',
            startTime=int((time.time() - stack.wait_seconds - 600) * 1000),
        )
        for event in (one for page in pages for one in page["events"]):
            line = _json(event["message"])
            if line.get("key") == stack.accepted_upload and "stored" in line:
                return line
        return None

    line = stack.wait_for(stored) if stack.is_on_aws else stored()
    if line is None:
        stack.not_observed(f"{group} has no line about {stack.accepted_upload}")
    if not line["stored"] or line["cases"] != _TOTALS["cases"]:
        raise CheckFailedError(f"the function logged {line}")
    return (
        f"{group} reports the rows of a new run with {line['cases']} cases; the private database"
        " was not queried"
    )


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _require_denied(stack: DeployedStack, s3: Any, **encryption: str) -> str:  # noqa: ANN401
    """Upload an object that the bucket policy must deny; it is no report and causes no event."""
    bucket, key = stack.output("data_bucket_name"), f"verify-aws/{stack.run_id}"
    try:
        answer = s3.put_object(Bucket=bucket, Key=key, Body=b"prohibited\n", **encryption)
    except ClientError as error:
        if not is_denied(error):
            raise
        message = str(error.response["Error"].get("Message", ""))
        if _EXPLICIT_DENY in message:
            return "denied explicitly by the bucket policy"
        if stack.accepted_upload:
            return "denied, although the same principal may upload the sample"
        raise UndeterminedError(
            f"denied, but perhaps this principal may upload nothing: {message}"
        ) from None
    raise CheckFailedError(
        f"accepted as s3://{bucket}/{key}, version {answer.get('VersionId')}; expected: a denial."
        " Delete this version"
    )


def sse_s3(stack: DeployedStack) -> str:
    """An upload with SSE-S3 is denied."""
    return _require_denied(stack, stack.client("s3"), ServerSideEncryption="AES256")


def other_key(stack: DeployedStack) -> str:
    """An upload with another KMS key, the AWS managed key of S3, is denied."""
    return _require_denied(
        stack,
        stack.client("s3"),
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId="alias/aws/s3",
    )


def plain_http(stack: DeployedStack) -> str:
    """A signed upload without TLS is denied."""
    if not stack.is_on_aws:
        raise UndeterminedError(
            f"{stack.endpoint} is not AWS: this check requires its two endpoints"
        )
    address = urlsplit(stack.endpoint)
    session: Any = boto3.session.Session(region_name=stack.region)
    s3 = session.client(
        "s3",
        endpoint_url=f"http://{address.netloc}",
        config=Config(signature_version="s3v4", s3={"payload_signing_enabled": True}),
    )
    return _require_denied(stack, s3)
