"""One object: read its report, store its rows, write what came of it.

A report gives rows in the database and `<PROCESSED_PREFIX><relative key>.summary.json`. A bad one
is copied to `<QUARANTINE_PREFIX><relative key>`, with the reason beside it in
`<...>.reason.json`: uploads are processed asynchronously, so nobody sees the function's answer,
and the bucket is the one place that whoever uploaded a file surely can look at. The object itself
is never touched. Both documents name the version they are about; a corrected upload under the
same key therefore leaves no doubt.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from environment import Environment
from object_events import ObjectRef
from report_parser import ByteStream, CaseResult, Report, ReportError, open_report
from run_facts import RunFacts
from store import RunKey
from summary import SCHEMA_VERSION, Summary

SUMMARY_ENDING = ".summary.json"
REASON_ENDING = ".reason.json"

_MAX_KEY_BYTES = 1024
_MAX_COPIED_BYTES = 5 * 1024**3
"""What S3 copies in one call."""

_GONE = {
    "NoSuchKey": "the object does not exist",
    "NoSuchVersion": "the object has no such version",
    "MethodNotAllowed": "the version is a delete marker",
}
_UNREADABLE = {
    "InvalidArgument": "S3 does not accept the version id",
    "InvalidObjectState": "the object is archived and has to be restored first",
}
"""Answers of S3 that stay the same however often one asks. All others are passing faults."""

_NOT_FOUND = 404
_NO_VERSION = "null"


class S3Client(Protocol):
    """The calls made to S3."""

    def get_object(self, **arguments: str) -> Mapping[str, Any]:
        """Open an object."""

    def head_object(self, **arguments: str) -> Mapping[str, Any]:
        """Look at an object."""

    def put_object(self, **arguments: str | bytes) -> object:
        """Write an object."""

    def copy_object(self, **arguments: Any) -> object:  # noqa: ANN401
        """Copy an object."""


class RowStore(Protocol):
    """Where the rows of a run go; see `store.Store`."""

    def save(
        self,
        key: RunKey,
        batches: Iterable[list[CaseResult]],
        *,
        stored_at: datetime,
        format_: str,
        facts: Callable[[], RunFacts],
    ) -> bool:
        """Write a run; False where it is there already, with no case read."""


class RejectedError(Exception):
    """An object that cannot be processed, now or later; `str()` is the reason.

    `settled` tells that nothing is left to do: the report is in quarantine, or there is none.
    """

    def __init__(self, reason: str, *, settled: bool = False) -> None:
        super().__init__(reason)
        self.settled = settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Processed:
    """What came of a report; `stored` is False where its rows were there before."""

    summary_key: str
    format: str
    cases: int
    stored: bool


def _now() -> datetime:
    return datetime.now(UTC)


class ObjectProcessor:
    """Processes objects of the data bucket, one after the other."""

    def __init__(
        self,
        environment: Environment,
        s3: S3Client,
        store: RowStore,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._environment = environment
        self._s3 = s3
        self._store = store
        self._now = now

    def process(self, ref: ObjectRef) -> Processed:
        """Read the report, store its rows and write its summary.

        Raises `RejectedError` for what is no report, after putting it into quarantine; any other
        error is a passing fault, and the same call may succeed later.
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
        summary = Summary()
        try:
            with closing(response["Body"]) as body:
                return self._stored(relative_key, source, response, body, summary)
        except ReportError as error:
            self._quarantine(relative_key, source, error, summary)
            raise RejectedError(str(error), settled=True) from error

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
            raise RejectedError("the key names a folder, not an object", settled=True)
        try:
            longest = max(
                len((env.processed_prefix + relative_key + SUMMARY_ENDING).encode()),
                len((env.quarantine_prefix + relative_key + REASON_ENDING).encode()),
            )
        except UnicodeEncodeError:
            raise RejectedError("the key is not Unicode text") from None
        if longest > _MAX_KEY_BYTES:
            raise RejectedError(
                f"the key is too long by {longest - _MAX_KEY_BYTES} bytes for what is written"
            )
        return relative_key

    def _opened(self, ref: ObjectRef) -> Mapping[str, Any]:
        version = {"VersionId": ref.version_id} if ref.version_id else {}
        try:
            return self._s3.get_object(Bucket=ref.bucket, Key=ref.key, **version)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _GONE:
                raise RejectedError(_GONE[code], settled=True) from error
            if code in _UNREADABLE:
                raise RejectedError(_UNREADABLE[code]) from error
            raise

    def _stored(
        self,
        relative_key: str,
        source: dict[str, Any],
        response: Mapping[str, Any],
        body: ByteStream,
        summary: Summary,
    ) -> Processed:
        limits = self._environment.limits
        if source["bytes"] > limits.max_object_bytes:
            raise ReportError(
                f"the object has {source['bytes']} bytes",
                accepted=f"up to {limits.max_object_bytes} bytes",
            )
        report = open_report(body, limits)
        told = RunFacts.of_object(response.get("Metadata", {}))
        stored = self._store.save(
            _run_key(source),
            _summarised(report, summary),
            stored_at=response["LastModified"],
            format_=report.format,
            facts=lambda: told.or_else(report.facts),
        )
        if not stored:  # by an earlier try, which may have ended before its summary
            for _ in _summarised(report, summary):
                pass
        document = summary.document()
        summary_key = self._environment.processed_prefix + relative_key + SUMMARY_ENDING
        if self._is_newest(source):
            self._write(
                summary_key,
                {
                    "source": source,
                    "format": report.format,
                    "compression": report.compression,
                    "run": told.or_else(report.facts).document(),
                    **document,
                },
            )
        return Processed(
            summary_key=summary_key,
            format=report.format,
            cases=document["totals"]["cases"],
            stored=stored,
        )

    def _is_newest(self, source: dict[str, Any]) -> bool:
        """Whether there is no newer version of the object, whose summary has the same key.

        Messages come in any order, and more than once.
        """
        if source["version_id"] is None:
            return True
        try:
            newest = self._s3.head_object(Bucket=source["bucket"], Key=source["key"])
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == _NOT_FOUND:
                return True  # deleted since
            raise
        return bool(newest.get("VersionId", source["version_id"]) == source["version_id"])

    def _quarantine(
        self, relative_key: str, source: dict[str, Any], error: ReportError, summary: Summary
    ) -> None:
        key = self._environment.quarantine_prefix + relative_key
        copied = source["bytes"] <= _MAX_COPIED_BYTES
        if copied:
            self._copy(source, key)
        self._write(
            key + REASON_ENDING,
            {
                "source": source,
                "copied_to": key if copied else None,
                "reason": str(error),
                "detail": error.detail(),
                "read_before": summary.document()["totals"],
            },
        )

    def _copy(self, source: dict[str, Any], key: str) -> None:
        version = {"VersionId": source["version_id"]} if source["version_id"] else {}
        self._s3.copy_object(
            CopySource={"Bucket": source["bucket"], "Key": source["key"], **version},
            CopySourceIfMatch=source["etag"],
            Bucket=self._environment.data_bucket,
            Key=key,
            # Reading the tags would take another right.
            TaggingDirective="REPLACE",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self._environment.kms_key_arn,
        )

    def _write(self, key: str, document: dict[str, Any]) -> str:
        """Write a document, encrypted; returns its key."""
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


def _run_key(source: Mapping[str, Any]) -> RunKey:
    # Where versioning was suspended every upload replaces the version "null".
    versioned = source["version_id"] not in (None, _NO_VERSION)
    version = source["version_id"] if versioned else source["etag"]
    return RunKey(source["bucket"], source["key"], version)


def _summarised(report: Report, summary: Summary) -> Iterator[list[CaseResult]]:
    for batch in report.batches():
        summary.add(batch)
        yield batch
