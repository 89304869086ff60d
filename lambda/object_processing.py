"""Processes one object: reads its report, stores its cases, and writes a summary.

A valid report results in rows in the database and in the object
`<PROCESSED_PREFIX><relative key>.summary.json`. An invalid report is copied to
`<QUARANTINE_PREFIX><relative key>`, and the reason is written to
`<QUARANTINE_PREFIX><relative key>.reason.json`: uploads are processed asynchronously, so that the
uploader receives no response, but can read the bucket. The uploaded object is not modified.
Summary and reason contain the version of the object, because several versions share a key.
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
from report_model import format_value
from report_parser import ByteStream, CaseResult, Report, ReportError, open_report
from run_metadata import RunMetadata
from store import RunKey
from summary import SCHEMA_VERSION, Summary

SUMMARY_EXTENSION = ".summary.json"
REASON_EXTENSION = ".reason.json"

# Limits of S3: length of a key, and size of an object in one CopyObject call.
_MAX_KEY_BYTES = 1024
_MAX_COPY_BYTES = 5 * 1024**3

# Error codes of S3 that a retry returns again; other errors are transient.
_NOT_FOUND_REASONS = {
    "NoSuchKey": "the object does not exist",
    "NoSuchVersion": "the object has no such version",
    "MethodNotAllowed": "the version is a delete marker",
}
_UNREADABLE_REASONS = {
    "InvalidArgument": "S3 rejects the version id",
    "InvalidObjectState": "the object is archived and must be restored first",
}

_HTTP_NOT_FOUND = 404
# Version id of objects that are stored while versioning is suspended.
_NULL_VERSION = "null"


class S3Client(Protocol):
    """Methods of the S3 client that this module calls."""

    def get_object(self, **arguments: str) -> Mapping[str, Any]:
        """Return an object with its body as a stream."""

    def head_object(self, **arguments: str) -> Mapping[str, Any]:
        """Return the properties of an object."""

    def put_object(self, **arguments: str | bytes) -> object:
        """Write an object."""

    def copy_object(self, **arguments: Any) -> object:  # noqa: ANN401
        """Copy an object."""


class RowStore(Protocol):
    """Interface of `store.Store`."""

    def save(
        self,
        key: RunKey,
        batches: Iterable[list[CaseResult]],
        *,
        stored_at: datetime,
        format_: str,
        get_metadata: Callable[[], RunMetadata],
    ) -> bool:
        """Insert a run; return False without reading a case if the run exists."""


class RejectedError(Exception):
    """An object cannot be processed, and a retry fails in the same way; `str()` is the reason.

    `quarantined` is True if the report and the reason were written to the quarantine prefix.
    """

    def __init__(self, reason: str, *, quarantined: bool = False) -> None:
        super().__init__(reason)
        self.quarantined = quarantined


class NoReportError(RejectedError):
    """The key does not refer to an existing object, so that there is nothing to quarantine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingResult:
    """Result for a valid report; `stored` is False if its rows already existed."""

    summary_key: str
    format: str
    cases: int
    stored: bool


def _now() -> datetime:
    return datetime.now(UTC)


class ObjectProcessor:
    """Processes objects of the data bucket."""

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

    def process(self, ref: ObjectRef) -> ProcessingResult:
        """Read the report, store its rows and write its summary.

        Raises `RejectedError` for an object that cannot be processed, after copying an invalid
        report to quarantine. Any other exception is transient: a retry may succeed.
        """
        relative_key = self._relative_key(ref)
        response = self._get_object(ref)
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
                return self._process_body(relative_key, source, response, body, summary)
        except ReportError as error:
            self._quarantine(relative_key, source, error, summary)
            raise RejectedError(str(error), quarantined=True) from error

    def _relative_key(self, ref: ObjectRef) -> str:
        """Return the key without the incoming prefix.

        Rejects keys outside this prefix without a reason object, because writing one for an
        object that the function wrote itself could cause an endless loop of events.
        """
        env = self._environment
        if ref.bucket != env.data_bucket:
            raise RejectedError(f"bucket: received {ref.bucket!r}; accepted: {env.data_bucket!r}")
        if not ref.key.startswith(env.incoming_prefix):
            raise RejectedError(
                f"key: received {format_value(ref.key)};"
                f" accepted: a key that starts with {env.incoming_prefix!r}"
            )
        relative_key = ref.key.removeprefix(env.incoming_prefix)
        if not relative_key or relative_key.endswith("/"):
            raise NoReportError(
                f"key: received {format_value(ref.key)}; accepted: the key of an object, not of"
                " a folder"
            )
        try:
            key_bytes = len(ref.key.encode())
            longest_bytes = max(
                len((env.processed_prefix + relative_key + SUMMARY_EXTENSION).encode()),
                len((env.quarantine_prefix + relative_key + REASON_EXTENSION).encode()),
            )
        except UnicodeEncodeError:
            raise RejectedError(
                f"key: received {format_value(ref.key)}; accepted: Unicode text"
            ) from None
        if longest_bytes > _MAX_KEY_BYTES:
            max_bytes = key_bytes - (longest_bytes - _MAX_KEY_BYTES)
            raise RejectedError(
                f"key: received {key_bytes} bytes; accepted: up to {max_bytes} bytes,"
                " so that the keys of summary and reason are valid"
            )
        return relative_key

    def _get_object(self, ref: ObjectRef) -> Mapping[str, Any]:
        version = {"VersionId": ref.version_id} if ref.version_id else {}
        try:
            return self._s3.get_object(Bucket=ref.bucket, Key=ref.key, **version)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _NOT_FOUND_REASONS:
                raise NoReportError(_NOT_FOUND_REASONS[code]) from error
            if code in _UNREADABLE_REASONS:
                raise RejectedError(_UNREADABLE_REASONS[code]) from error
            raise

    def _process_body(
        self,
        relative_key: str,
        source: dict[str, Any],
        response: Mapping[str, Any],
        body: ByteStream,
        summary: Summary,
    ) -> ProcessingResult:
        limits = self._environment.limits
        if source["bytes"] > limits.max_object_bytes:
            raise ReportError(
                "the object is too large",
                value=source["bytes"],
                accepted=f"up to {limits.max_object_bytes} bytes",
            )
        report = open_report(body, limits)
        object_metadata = RunMetadata.from_object_metadata(response.get("Metadata", {}))
        stored = self._store.save(
            _run_key(source),
            _summarize(report, summary),
            stored_at=response["LastModified"],
            format_=report.format,
            get_metadata=lambda: object_metadata.with_defaults(report.metadata),
        )
        if not stored:  # an earlier attempt may have ended before it wrote the summary
            for _ in _summarize(report, summary):
                pass
        document = summary.document()
        summary_key = self._environment.processed_prefix + relative_key + SUMMARY_EXTENSION
        if self._is_latest_version(source):
            self._write(
                summary_key,
                {
                    "source": source,
                    "format": report.format,
                    "compression": report.compression,
                    "run": object_metadata.with_defaults(report.metadata).document(),
                    **document,
                },
            )
        return ProcessingResult(
            summary_key=summary_key,
            format=report.format,
            cases=document["totals"]["cases"],
            stored=stored,
        )

    def _is_latest_version(self, source: dict[str, Any]) -> bool:
        """Return whether the object has no later version, whose summary has the same key.

        Messages arrive in any order and may be delivered more than once.
        """
        if source["version_id"] is None:
            return True
        try:
            latest = self._s3.head_object(Bucket=source["bucket"], Key=source["key"])
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == _HTTP_NOT_FOUND:
                return True  # deleted after the event
            raise
        return bool(latest.get("VersionId", source["version_id"]) == source["version_id"])

    def _quarantine(
        self, relative_key: str, source: dict[str, Any], error: ReportError, summary: Summary
    ) -> None:
        key = self._environment.quarantine_prefix + relative_key
        is_copied = source["bytes"] <= _MAX_COPY_BYTES
        if is_copied:
            self._copy(source, key)
        self._write(
            key + REASON_EXTENSION,
            {
                "source": source,
                "copied_to": key if is_copied else None,
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
            # Copying the tags would require s3:GetObjectTagging.
            TaggingDirective="REPLACE",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self._environment.kms_key_arn,
        )

    def _write(self, key: str, document: dict[str, Any]) -> str:
        """Write a JSON document with encryption; returns its key."""
        processed_at = self._now().isoformat(timespec="milliseconds")
        content = {"schema_version": SCHEMA_VERSION, "processed_at": processed_at, **document}
        self._s3.put_object(
            Bucket=self._environment.data_bucket,
            Key=key,
            Body=json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n",
            ContentType="application/json",
            # Explicit, because the bucket policy denies requests that rely on the default key.
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self._environment.kms_key_arn,
        )
        return key


def _run_key(source: Mapping[str, Any]) -> RunKey:
    # While versioning is suspended, each upload replaces the version "null".
    is_versioned = source["version_id"] not in (None, _NULL_VERSION)
    version = source["version_id"] if is_versioned else source["etag"]
    return RunKey(source["bucket"], source["key"], version)


def _summarize(report: Report, summary: Summary) -> Iterator[list[CaseResult]]:
    for batch in report.batches():
        summary.add(batch)
        yield batch
