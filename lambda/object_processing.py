"""One object: read its report, write what came of it.

A report gives `<PROCESSED_PREFIX><relative key>.summary.json`. A bad one gives
`<PROCESSED_PREFIX><relative key>.rejected.json` with the reason: uploads are processed
asynchronously, so nobody sees the function's answer, and the bucket is the one place that whoever
uploaded a file surely can look at. The object itself is never touched. Both documents name the
version they are about; a corrected upload under the same key therefore leaves no doubt.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from environment import Environment
from object_events import ObjectRef
from report_parser import ByteStream, ReportError, open_report
from summary import SCHEMA_VERSION, Summary

SUMMARY_ENDING = ".summary.json"
REJECTION_ENDING = ".rejected.json"

_MAX_KEY_BYTES = 1024

_UNREADABLE = {
    "NoSuchKey": "the object does not exist",
    "NoSuchVersion": "the object has no such version",
    "MethodNotAllowed": "the version is a delete marker",
    "InvalidArgument": "S3 does not accept the version id",
    "InvalidObjectState": "the object is archived and has to be restored first",
}
"""Answers of S3 that stay the same however often one asks. All others are passing faults."""


class S3Client(Protocol):
    """The calls made to S3."""

    def get_object(self, **arguments: str) -> Mapping[str, Any]:
        """Open an object."""

    def put_object(self, **arguments: str | bytes) -> object:
        """Write an object."""


class RejectedError(Exception):
    """An object that cannot be processed, now or later; `str()` is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """What was written for a report."""

    summary_key: str
    format: str
    cases: int


def _now() -> datetime:
    return datetime.now(UTC)


class ObjectProcessor:
    """Processes objects of the data bucket, one after the other."""

    def __init__(
        self, environment: Environment, s3: S3Client, now: Callable[[], datetime] = _now
    ) -> None:
        self._environment = environment
        self._s3 = s3
        self._now = now

    def process(self, ref: ObjectRef) -> Processed:
        """Read the report and write its summary.

        Raises `RejectedError` for what is no report, after writing the reason beside the place
        of the summary; any other error is a passing fault, and the same call may succeed later.
        """
        relative_key = self._relative_key(ref)
        response = self._opened(ref)
        source = {
            "bucket": ref.bucket,
            "key": ref.key,
            "version_id": response.get("VersionId"),
            "etag": response["ETag"].strip('"'),
            "bytes": response["ContentLength"],
        }
        try:
            with closing(response["Body"]) as body:
                return self._summarised(relative_key, source, body)
        except ReportError as error:
            self._write(
                relative_key + REJECTION_ENDING,
                {"source": source, "reason": str(error), "detail": error.detail()},
            )
            raise RejectedError(str(error)) from error

    def _relative_key(self, ref: ObjectRef) -> str:
        """The key without the incoming prefix, for objects that may be processed at all.

        Nothing is written for the others: that could be answered with an event again, for ever.
        """
        env = self._environment
        if ref.bucket != env.data_bucket:
            raise RejectedError(f"the bucket is {ref.bucket!r}; accepted: {env.data_bucket!r}")
        if not ref.key.startswith(env.incoming_prefix):
            raise RejectedError(f"the key is not under {env.incoming_prefix!r}")
        relative_key = ref.key.removeprefix(env.incoming_prefix)
        if not relative_key or relative_key.endswith("/"):
            raise RejectedError("the key names a folder, not an object")
        try:
            longest = len((env.processed_prefix + relative_key + REJECTION_ENDING).encode())
        except UnicodeEncodeError:
            raise RejectedError("the key is not Unicode text") from None
        if longest > _MAX_KEY_BYTES:
            raise RejectedError(
                f"the key is too long by {longest - _MAX_KEY_BYTES} bytes for its summary"
            )
        return relative_key

    def _opened(self, ref: ObjectRef) -> Mapping[str, Any]:
        version = {"VersionId": ref.version_id} if ref.version_id else {}
        try:
            return self._s3.get_object(Bucket=ref.bucket, Key=ref.key, **version)
        except ClientError as error:
            reason = _UNREADABLE.get(error.response.get("Error", {}).get("Code", ""))
            if reason is None:
                raise
            raise RejectedError(reason) from error

    def _summarised(self, relative_key: str, source: dict[str, Any], body: ByteStream) -> Processed:
        limits = self._environment.limits
        if source["bytes"] > limits.max_object_bytes:
            raise ReportError(
                f"the object has {source['bytes']} bytes",
                accepted=f"up to {limits.max_object_bytes} bytes",
            )
        report = open_report(body, limits)
        summary = Summary()
        for batch in report.batches():
            summary.add(batch)
        document = summary.document()
        summary_key = self._write(
            relative_key + SUMMARY_ENDING,
            {
                "source": source,
                "format": report.format,
                "compression": report.compression,
                **document,
            },
        )
        return Processed(
            summary_key=summary_key, format=report.format, cases=document["totals"]["cases"]
        )

    def _write(self, relative_key: str, document: dict[str, Any]) -> str:
        """Write a document under the processed prefix, encrypted; returns its key."""
        key = self._environment.processed_prefix + relative_key
        processed_at = self._now().isoformat(timespec="milliseconds")
        content = {"schema_version": SCHEMA_VERSION, "processed_at": processed_at, **document}
        self._s3.put_object(
            Bucket=self._environment.data_bucket,
            Key=key,
            Body=json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n",
            ContentType="application/json",
            # Named in full: the bucket's policy refuses writes that leave the key to the default.
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self._environment.kms_key_arn,
        )
        return key
