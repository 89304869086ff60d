"""One object: which are processed at all, and what becomes of the faults of S3."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from environment import Environment
from object_events import ObjectRef
from object_processing import ObjectProcessor, RejectedError
from store import RunKey
from tests.support.rows import RowsInMemory

BUCKET = "data-dev"
CSV = b"suite,name,outcome,duration_seconds,message\ns,a,passed,1.5,\n"
VARIABLES = {
    "DATA_BUCKET": BUCKET,
    "KMS_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-1111-2222-3333-444455556666",
    "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:tap-dev-AbCdEf",
}
STORED_AT = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


class FakeS3:
    """An S3 that fails where it is told to, and keeps what is written."""

    def __init__(self, body: io.BytesIO | None = None) -> None:
        self.body = body or io.BytesIO(CSV)
        self.get_error: Exception | None = None
        self.put_error: Exception | None = None
        self.copy_error: Exception | None = None
        self.copies: list[dict[str, Any]] = []
        self.gets: list[dict[str, str]] = []
        self.about: dict[str, Any] = {"VersionId": "v1", "Metadata": {}, "ContentLength": 10}
        self.written: dict[str, Any] = {}
        self.newest: dict[str, Any] | Exception = {"VersionId": "v1"}

    def head_object(self, **arguments: str) -> dict[str, Any]:
        assert "VersionId" not in arguments
        if isinstance(self.newest, Exception):
            raise self.newest
        return self.newest

    def get_object(self, **arguments: str) -> dict[str, Any]:
        self.gets.append(arguments)
        if self.get_error:
            raise self.get_error
        return {"Body": self.body, "ETag": '"e"', "LastModified": STORED_AT} | self.about

    def put_object(self, **arguments: Any) -> None:
        if self.put_error:
            raise self.put_error
        self.written[arguments["Key"]] = json.loads(arguments["Body"])

    def copy_object(self, **arguments: Any) -> None:
        if self.copy_error:
            raise self.copy_error
        self.copies.append(arguments)


class Broken(io.BytesIO):
    """A body whose connection is lost when its bytes are used up."""

    def read(self, size: int | None = -1, /) -> bytes:
        if data := super().read(size):
            return data
        raise ReadTimeoutError(endpoint_url="s3")


def processor(s3: FakeS3, store: RowsInMemory | None = None, **variables: str) -> ObjectProcessor:
    moment = datetime(2026, 11, 22, 8, 30, 0, 123456, UTC)
    environment = Environment.read(VARIABLES | variables)
    return ObjectProcessor(environment, s3, store or RowsInMemory(), lambda: moment)


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "told so"}}, "GetObject")


def test_time_of_processing_is_in_the_summary() -> None:
    s3 = FakeS3()
    processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.written["processed/a.summary.json"]["processed_at"] == (
        "2026-11-22T08:30:00.123+00:00"
    )


@pytest.mark.parametrize(("version_id", "expected"), [(None, {}), ("v7", {"VersionId": "v7"})])
def test_version_is_asked_for_where_one_is_named(
    version_id: str | None, expected: dict[str, str]
) -> None:
    s3 = FakeS3()
    processor(s3).process(ObjectRef(BUCKET, "incoming/a", version_id))
    assert s3.gets == [{"Bucket": BUCKET, "Key": "incoming/a"} | expected]
    assert s3.written["processed/a.summary.json"]["source"]["version_id"] == "v1"


@pytest.mark.parametrize(
    ("bucket", "key", "reason"),
    [
        (BUCKET, "processed/a.summary.json", "the key is not under 'incoming/'"),
        (BUCKET, "a.csv", "the key is not under 'incoming/'"),
        (BUCKET, "Incoming/a.csv", "the key is not under 'incoming/'"),
        (BUCKET, "incoming/", "the key names a folder, not an object"),
        (BUCKET, "incoming/team/", "the key names a folder, not an object"),
        ("other", "incoming/a.csv", "the bucket is 'other'; accepted: 'data-dev'"),
        (BUCKET, "incoming/\ud800", "the key is not Unicode text"),
        (BUCKET, "incoming/" + "x" * 1_011, "the key is too long by 10 bytes for what is written"),
        (BUCKET, "incoming/" + "é" * 501, "the key is too long by 1 bytes for what is written"),
    ],
)
def test_objects_that_are_never_processed(bucket: str, key: str, reason: str) -> None:
    s3 = FakeS3()
    with pytest.raises(RejectedError) as caught:
        processor(s3).process(ObjectRef(bucket, key))
    assert str(caught.value) == reason
    assert (s3.gets, s3.written) == ([], {})


def test_object_too_large_is_refused_unread() -> None:
    class Unread(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("read")

    s3 = FakeS3(Unread())
    with pytest.raises(RejectedError, match="the object has 10 bytes; accepted: up to 9 bytes"):
        processor(s3, MAX_OBJECT_BYTES="9").process(ObjectRef(BUCKET, "incoming/a"))
    assert list(s3.written) == ["quarantine/a.reason.json"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("NoSuchKey", "the object does not exist"),
        ("NoSuchVersion", "the object has no such version"),
        ("MethodNotAllowed", "the version is a delete marker"),
        ("InvalidArgument", "S3 does not accept the version id"),
        ("InvalidObjectState", "the object is archived and has to be restored first"),
    ],
)
def test_lasting_errors_of_s3_are_rejections(code: str, reason: str) -> None:
    s3 = FakeS3()
    s3.get_error = client_error(code)
    with pytest.raises(RejectedError) as caught:
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert str(caught.value) == reason
    assert s3.written == {}


@pytest.mark.parametrize("code", ["SlowDown", "AccessDenied", "InternalError", "NoSuchBucket"])
def test_other_errors_of_s3_are_raised(code: str) -> None:
    s3 = FakeS3()
    s3.get_error = client_error(code)
    with pytest.raises(ClientError, match=code):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))


@pytest.mark.parametrize("good", [b"", b"suite,name", CSV])
def test_connection_lost_while_reading_is_raised(good: bytes) -> None:
    s3 = FakeS3(Broken(good))
    with pytest.raises(ReadTimeoutError):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.written == {}
    assert s3.body.closed


@pytest.mark.parametrize("data", [CSV, b"rubbish"])
def test_failed_write_is_raised(data: bytes) -> None:
    s3 = FakeS3(io.BytesIO(data))
    s3.put_error = client_error("SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))


def test_connection_is_released_after_a_report() -> None:
    s3 = FakeS3()
    processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.body.closed


def test_connection_is_released_after_a_refusal() -> None:
    s3 = FakeS3(io.BytesIO(b"rubbish"))
    with pytest.raises(RejectedError):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.body.closed


def test_rows_are_stored_with_what_the_run_is() -> None:
    s3, store = FakeS3(), RowsInMemory()
    s3.about["Metadata"] = {"commit": "c1", "branch": "main", "label-team": "pay"}
    assert processor(s3, store).process(ObjectRef(BUCKET, "incoming/a")).stored
    key = RunKey(BUCKET, "incoming/a", "v1")
    assert [case.name for case in store.runs[key]] == ["a"]
    told = {"commit": "c1", "branch": "main", "started_at": None, "labels": {"team": "pay"}}
    assert store.about[key] == {"stored_at": STORED_AT, "format": "csv", **told}
    assert s3.written["processed/a.summary.json"]["run"] == told


def test_metadata_of_the_object_beats_the_report() -> None:
    line = b'{"suite": "s", "name": "n", "outcome": "ok", "commit": "c2", "branch": "b2"}\n'
    s3, store = FakeS3(io.BytesIO(line)), RowsInMemory()
    s3.about["Metadata"] = {"commit": "c1"}
    processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
    (about,) = store.about.values()
    assert (about["commit"], about["branch"]) == ("c1", "b2")


def test_object_without_version_is_known_by_its_etag() -> None:
    s3, store = FakeS3(io.BytesIO(b"rubbish")), RowsInMemory()
    del s3.about["VersionId"]
    with pytest.raises(RejectedError):
        processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.copies[0]["CopySource"] == {"Bucket": BUCKET, "Key": "incoming/a"}
    s3.body = io.BytesIO(CSV)
    processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
    assert list(store.runs) == [RunKey(BUCKET, "incoming/a", "e")]


def test_uploads_of_a_bucket_whose_versioning_is_suspended_are_runs_of_their_own() -> None:
    """Each replaces the last one, under the version "null"."""
    store = RowsInMemory()
    for etag in ("e1", "e2"):
        s3 = FakeS3()
        s3.about |= {"VersionId": "null", "ETag": f'"{etag}"'}
        s3.newest = {"VersionId": "null"}
        assert processor(s3, store).process(ObjectRef(BUCKET, "incoming/a")).stored
        assert s3.written["processed/a.summary.json"]["source"]["version_id"] == "null"


def test_second_time_gives_the_same_summary_without_rows() -> None:
    store = RowsInMemory()
    summaries = []
    for stored in (True, False):
        s3 = FakeS3()
        result = processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
        assert (result.stored, result.cases) == (stored, 1)
        summaries.append(s3.written)
    assert summaries[0] == summaries[1]


def test_summary_of_a_newer_version_stays() -> None:
    """Messages come in any order, and the summaries of all versions have one key."""
    s3, store = FakeS3(), RowsInMemory()
    s3.newest = {"VersionId": "v2"}
    result = processor(s3, store).process(ObjectRef(BUCKET, "incoming/a", "v1"))
    assert result.stored
    assert list(store.runs) == [RunKey(BUCKET, "incoming/a", "v1")]
    assert s3.written == {}


def test_summary_of_an_object_that_was_deleted_since_is_written() -> None:
    s3 = FakeS3()
    gone = {"Error": {"Code": "404"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
    s3.newest = ClientError(gone, "HeadObject")  # type: ignore[arg-type]
    processor(s3).process(ObjectRef(BUCKET, "incoming/a", "v1"))
    assert "processed/a.summary.json" in s3.written


def test_fault_while_looking_for_a_newer_version_is_raised() -> None:
    s3 = FakeS3()
    s3.newest = client_error("SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a", "v1"))


def test_fault_of_the_database_is_raised_and_no_summary_is_written() -> None:
    s3, store = FakeS3(), RowsInMemory()
    store.error = OSError("connection refused")
    with pytest.raises(OSError, match="connection refused"):
        processor(s3, store).process(ObjectRef(BUCKET, "incoming/a"))
    assert (s3.written, s3.copies) == ({}, [])


def test_bad_report_is_copied_to_quarantine_with_its_reason() -> None:
    s3, store = FakeS3(io.BytesIO(CSV + b"s,b,perhaps,1,\n")), RowsInMemory()
    with pytest.raises(RejectedError) as caught:
        processor(s3, store).process(ObjectRef(BUCKET, "incoming/team/a"))
    assert caught.value.settled
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


def test_reason_counts_what_was_read_before() -> None:
    good = b"".join(b"s,a%d,failed,1,\n" % number for number in range(1_500))
    s3 = FakeS3(io.BytesIO(CSV + good + b"rubbish\n"))
    with pytest.raises(RejectedError):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    totals = s3.written["quarantine/a.reason.json"]["read_before"]
    assert (totals["cases"], totals["passed"], totals["failed"]) == (1_000, 1, 999)


def test_object_too_large_for_a_copy_has_its_reason_alone() -> None:
    s3 = FakeS3()
    s3.about["ContentLength"] = 5 * 1024**3 + 1
    with pytest.raises(RejectedError):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.copies == []
    assert s3.written["quarantine/a.reason.json"]["copied_to"] is None


def test_failed_copy_is_raised() -> None:
    s3 = FakeS3(io.BytesIO(b"rubbish"))
    s3.copy_error = client_error("SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        processor(s3).process(ObjectRef(BUCKET, "incoming/a"))
    assert s3.written == {}


@pytest.mark.parametrize(
    ("key", "code", "settled"),
    [
        ("incoming/folder/", "", True),
        ("incoming/a", "NoSuchKey", True),
        ("incoming/a", "MethodNotAllowed", True),
        ("incoming/a", "InvalidObjectState", False),
        ("elsewhere/a", "", False),
    ],
)
def test_what_is_settled(key: str, code: str, settled: bool) -> None:
    s3 = FakeS3()
    s3.get_error = client_error(code)
    with pytest.raises(RejectedError) as caught:
        processor(s3).process(ObjectRef(BUCKET, key))
    assert caught.value.settled is settled
