"""Processing of one object: rejections, errors of S3 and the database, and written objects."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from environment import Environment
from object_events import ObjectRef
from object_processing import NoReportError, ObjectProcessor, RejectedError
from store import RunKey
from tests.support.in_memory_store import InMemoryStore

BUCKET = "data-dev"
CSV = b"suite,name,outcome,duration_seconds,message\ns,a,passed,1.5,\n"
VARIABLES = {
    "DATA_BUCKET": BUCKET,
    "KMS_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-1111-2222-3333-444455556666",
    "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:tap-dev-AbCdEf",
}
PREFIX = "accepted: a key that starts with 'incoming/'"
NO_FOLDER = "accepted: the key of an object, not of a folder"
STORED_AT = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


class FakeS3:
    """An S3 client that raises configured errors and records the written objects."""

    def __init__(self, body: io.BytesIO | None = None) -> None:
        self.body = body or io.BytesIO(CSV)
        self.get_error: Exception | None = None
        self.put_error: Exception | None = None
        self.copy_error: Exception | None = None
        self.copies: list[dict[str, Any]] = []
        self.gets: list[dict[str, str]] = []
        self.response: dict[str, Any] = {"VersionId": "v1", "Metadata": {}, "ContentLength": 10}
        self.written: dict[str, Any] = {}
        self.latest: dict[str, Any] | Exception = {"VersionId": "v1"}

    def head_object(self, **arguments: str) -> dict[str, Any]:
        assert "VersionId" not in arguments
        if isinstance(self.latest, Exception):
            raise self.latest
        return self.latest

    def get_object(self, **arguments: str) -> dict[str, Any]:
        self.gets.append(arguments)
        if self.get_error:
            raise self.get_error
        return {"Body": self.body, "ETag": '"e"', "LastModified": STORED_AT} | self.response

    def put_object(self, **arguments: Any) -> None:
        if self.put_error:
            raise self.put_error
        self.written[arguments["Key"]] = json.loads(arguments["Body"])

    def copy_object(self, **arguments: Any) -> None:
        if self.copy_error:
            raise self.copy_error
        self.copies.append(arguments)


class InterruptedBody(io.BytesIO):
    """A body that raises a connection error after its bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        if data := super().read(size):
            return data
        raise ReadTimeoutError(endpoint_url="s3")


def processor(s3: FakeS3, store: InMemoryStore | None = None, **variables: str) -> ObjectProcessor:
    moment = datetime(2026, 11, 22, 8, 30, 0, 123456, UTC)
    environment = Environment.read(VARIABLES | variables)
    return ObjectProcessor(environment, s3, store or InMemoryStore(), lambda: moment)


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "test"}}, "GetObject")


def test_summary_contains_the_processing_time() -> None:
    s3 = FakeS3()
    processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.written["processed/a.summary.json"]["processed_at"] == (
        "2026-11-22T08:30:00.123+00:00"
    )


@pytest.mark.parametrize(("version_id", "expected"), [(None, {}), ("v7", {"VersionId": "v7"})])
def test_referenced_version_is_requested(version_id: str | None, expected: dict[str, str]) -> None:
    s3 = FakeS3()
    processor(s3).process(ObjectRef(BUCKET, "incoming/a", version_id))
    assert s3.gets == [{"Bucket": BUCKET, "Key": "incoming/a"} | expected]
    assert s3.written["processed/a.summary.json"]["source"]["version_id"] == "v1"


@pytest.mark.parametrize(
    ("bucket", "key", "reason"),
    [
        (BUCKET, "processed/a.summary.json", f"'processed/a.summary.json'; {PREFIX}"),
        (BUCKET, "a.csv", f"'a.csv'; {PREFIX}"),
        (BUCKET, "Incoming/a.csv", f"'Incoming/a.csv'; {PREFIX}"),
        (BUCKET, "incoming/", f"'incoming/'; {NO_FOLDER}"),
        (BUCKET, "incoming/team/", f"'incoming/team/'; {NO_FOLDER}"),
        (BUCKET, "incoming/\ud800", "'incoming/\\ud800'; accepted: Unicode text"),
        (BUCKET, "incoming/" + "x" * 1_011, "1020 bytes; accepted: up to 1010 bytes"),
        (BUCKET, "incoming/" + "é" * 501, "1011 bytes; accepted: up to 1010 bytes"),
        ("other", "incoming/a.csv", "bucket: received 'other'; accepted: 'data-dev'"),
    ],
)
def test_object_outside_the_incoming_prefix_or_with_invalid_key_is_rejected(
    bucket: str, key: str, reason: str
) -> None:
    s3 = FakeS3()
    with pytest.raises(RejectedError) as caught:
        processor(s3).process(ObjectRef(bucket, key))
    assert reason in str(caught.value)
    assert str(caught.value).startswith(("key: received ", "bucket: received "))
    assert (s3.gets, s3.written) == ([], {})


def test_object_over_the_size_limit_is_rejected_without_reading() -> None:
    class UnreadableBody(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("read")

    s3 = FakeS3(UnreadableBody())
    with pytest.raises(RejectedError, match=r"too large \(received 10\); accepted: up to 9 bytes"):
        processor(s3, MAX_OBJECT_BYTES="9").process(ObjectRef(BUCKET, "incoming/a"))
    assert list(s3.written) == ["quarantine/a.reason.json"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("NoSuchKey", "the object does not exist"),
        ("NoSuchVersion", "the object has no such version"),
        ("MethodNotAllowed", "the version is a delete marker"),
        ("InvalidArgument", "S3 rejects the version id"),
        ("InvalidObjectState", "the object is archived and must be restored first"),
    ],
)
def test_permanent_s3_errors_reject_the_object(code: str, reason: str) -> None:
    s3 = FakeS3()
    s3.get_error = client_error(code)
    with pytest.raises(RejectedError) as caught:
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert str(caught.value) == reason
    assert s3.written == {}


@pytest.mark.parametrize("code", ["SlowDown", "AccessDenied", "InternalError", "NoSuchBucket"])
def test_transient_s3_errors_are_raised(code: str) -> None:
    s3 = FakeS3()
    s3.get_error = client_error(code)
    with pytest.raises(ClientError, match=code):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))


@pytest.mark.parametrize("valid", [b"", b"suite,name", CSV])
def test_connection_error_while_reading_is_raised(valid: bytes) -> None:
    s3 = FakeS3(InterruptedBody(valid))
    with pytest.raises(ReadTimeoutError):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.written == {}
    assert s3.body.closed


@pytest.mark.parametrize("data", [CSV, b"not a report"])
def test_error_while_writing_is_raised(data: bytes) -> None:
    s3 = FakeS3(io.BytesIO(data))
    s3.put_error = client_error("SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))


def test_body_is_closed_after_a_valid_report() -> None:
    s3 = FakeS3()
    processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.body.closed


def test_body_is_closed_after_an_invalid_report() -> None:
    s3 = FakeS3(io.BytesIO(b"not a report"))
    with pytest.raises(RejectedError):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.body.closed


def test_rows_are_stored_with_run_metadata() -> None:
    s3, store = FakeS3(), InMemoryStore()
    s3.response["Metadata"] = {"commit": "c1", "branch": "main", "label-team": "pay"}
    assert processor(s3, store).process(ObjectRef(BUCKET, "incoming/a")).stored
    key = RunKey(BUCKET, "incoming/a", "v1")
    assert [case.name for case in store.runs[key]] == ["a"]
    metadata = {"commit": "c1", "branch": "main", "started_at": None, "labels": {"team": "pay"}}
    assert store.columns[key] == {"stored_at": STORED_AT, "format": "csv", **metadata}
    assert s3.written["processed/a.summary.json"]["run"] == metadata


def test_object_metadata_takes_precedence_over_the_report() -> None:
    line = b'{"suite": "s", "name": "n", "outcome": "ok", "commit": "c2", "branch": "b2"}\n'
    s3, store = FakeS3(io.BytesIO(line)), InMemoryStore()
    s3.response["Metadata"] = {"commit": "c1"}
    processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
    (columns,) = store.columns.values()
    assert (columns["commit"], columns["branch"]) == ("c1", "b2")


def test_object_without_version_is_identified_by_its_etag() -> None:
    s3, store = FakeS3(io.BytesIO(b"not a report")), InMemoryStore()
    del s3.response["VersionId"]
    with pytest.raises(RejectedError):
        processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.copies[0]["CopySource"] == {"Bucket": BUCKET, "Key": "incoming/a"}
    s3.body = io.BytesIO(CSV)
    processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
    assert list(store.runs) == [RunKey(BUCKET, "incoming/a", "e")]


def test_uploads_with_suspended_versioning_are_separate_runs() -> None:
    """Each upload replaces the version "null"."""
    store = InMemoryStore()
    for etag in ("e1", "e2"):
        s3 = FakeS3()
        s3.response |= {"VersionId": "null", "ETag": f'"{etag}"'}
        s3.latest = {"VersionId": "null"}
        assert processor(s3, store).process(ObjectRef(BUCKET, "incoming/a")).stored
        assert s3.written["processed/a.summary.json"]["source"]["version_id"] == "null"


def test_repeated_processing_writes_the_same_summary_without_rows() -> None:
    store = InMemoryStore()
    summaries = []
    for stored in (True, False):
        s3 = FakeS3()
        result = processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
        assert (result.stored, result.cases) == (stored, 1)
        summaries.append(s3.written)
    assert summaries[0] == summaries[1]


def test_summary_of_a_later_version_is_not_overwritten() -> None:
    """Messages arrive in any order, and the summaries of all versions have the same key."""
    s3, store = FakeS3(), InMemoryStore()
    s3.latest = {"VersionId": "v2"}
    result = processor(s3, store).process(ObjectRef(BUCKET, "incoming/a", "v1"))
    assert result.stored
    assert list(store.runs) == [RunKey(BUCKET, "incoming/a", "v1")]
    assert s3.written == {}


def test_summary_of_a_deleted_object_is_written() -> None:
    s3 = FakeS3()
    gone = {"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
    s3.latest = ClientError(gone, "HeadObject")  # type: ignore[arg-type]
    processor(s3).process(ObjectRef(BUCKET, "incoming/a", "v1"))
    assert "processed/a.summary.json" in s3.written


def test_error_while_checking_for_a_later_version_is_raised() -> None:
    s3 = FakeS3()
    s3.latest = client_error("SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a", "v1"))


def test_database_error_is_raised_without_writing_a_summary() -> None:
    s3, store = FakeS3(), InMemoryStore()
    store.error = OSError("connection refused")
    with pytest.raises(OSError, match="connection refused"):
        processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
    assert (s3.written, s3.copies) == ({}, [])


def test_invalid_report_is_copied_to_quarantine_with_its_reason() -> None:
    s3, store = FakeS3(io.BytesIO(CSV + b"s,b,perhaps,1,\n")), InMemoryStore()
    with pytest.raises(RejectedError) as caught:
        processor(s3, store).process(ObjectRef(BUCKET, "incoming/team/a"))
    assert caught.value.quarantined
    assert s3.copies == [
        {
            "CopySource": {"Bucket": BUCKET, "Key": "incoming/team/a", "VersionId": "v1"},
            "CopySourceIfMatch": "e",
            "Bucket": BUCKET,
            "Key": "quarantine/team/a",
            "TaggingDirective": "REPLACE",
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": VARIABLES["KMS_KEY_ARN"],
        }
    ]
    (reason,) = s3.written.values()
    assert list(s3.written) == ["quarantine/team/a.reason.json"]
    assert reason["copied_to"] == "quarantine/team/a"
    assert reason["reason"] == str(caught.value)
    assert reason["detail"]["line"] == 3
    assert reason["source"]["version_id"] == "v1"
    assert store.runs == {}


def test_reason_contains_totals_of_the_cases_read() -> None:
    valid = b"".join(b"s,a%d,failed,1,\n" % number for number in range(1_500))
    s3 = FakeS3(io.BytesIO(CSV + valid + b"not a report\n"))
    with pytest.raises(RejectedError):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    totals = s3.written["quarantine/a.reason.json"]["read_before"]
    assert (totals["cases"], totals["passed"], totals["failed"]) == (1_000, 1, 999)


def test_object_over_the_copy_limit_is_quarantined_without_a_copy() -> None:
    s3 = FakeS3()
    s3.response["ContentLength"] = 5 * 1024**3 + 1
    with pytest.raises(RejectedError):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.copies == []
    assert s3.written["quarantine/a.reason.json"]["copied_to"] is None


def test_error_while_copying_is_raised() -> None:
    s3 = FakeS3(io.BytesIO(b"not a report"))
    s3.copy_error = client_error("SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.written == {}


@pytest.mark.parametrize(
    ("key", "code", "exists"),
    [
        ("incoming/folder/", "", False),
        ("incoming/a", "NoSuchKey", False),
        ("incoming/a", "MethodNotAllowed", False),
        ("incoming/a", "InvalidObjectState", True),
        ("elsewhere/a", "", True),
    ],
)
def test_rejection_without_a_report_raises_no_report_error(
    key: str, code: str, exists: bool
) -> None:
    s3 = FakeS3()
    s3.get_error = client_error(code)
    with pytest.raises(RejectedError) as caught:
        processor(s3).process(ObjectRef(BUCKET, key))
    assert not caught.value.quarantined
    assert isinstance(caught.value, NoReportError) is not exists
