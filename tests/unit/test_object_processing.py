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

BUCKET = "data-dev"
CSV = b"suite,name,outcome,duration_seconds,message\ns,a,passed,1.5,\n"
VARIABLES = {
    "DATA_BUCKET": BUCKET,
    "KMS_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-1111-2222-3333-444455556666",
}


class FakeS3:
    """An S3 that fails where it is told to, and keeps what is written."""

    def __init__(self, body: io.BytesIO | None = None) -> None:
        self.body = body or io.BytesIO(CSV)
        self.get_error: Exception | None = None
        self.put_error: Exception | None = None
        self.gets: list[dict[str, str]] = []
        self.written: dict[str, Any] = {}

    def get_object(self, **arguments: str) -> dict[str, Any]:
        self.gets.append(arguments)
        if self.get_error:
            raise self.get_error
        return {"Body": self.body, "ETag": '"e"', "ContentLength": 10, "VersionId": "v1"}

    def put_object(self, **arguments: Any) -> None:
        if self.put_error:
            raise self.put_error
        self.written[arguments["Key"]] = json.loads(arguments["Body"])


class Broken(io.BytesIO):
    """A body whose connection is lost when its bytes are used up."""

    def read(self, size: int | None = -1, /) -> bytes:
        if data := super().read(size):
            return data
        raise ReadTimeoutError(endpoint_url="s3")


def processor(s3: FakeS3, **variables: str) -> ObjectProcessor:
    moment = datetime(2026, 11, 22, 8, 30, 0, 123456, UTC)
    return ObjectProcessor(Environment.read(VARIABLES | variables), s3, lambda: moment)


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
        (BUCKET, "incoming/" + "x" * 1_011, "the key is too long by 11 bytes for its summary"),
        (BUCKET, "incoming/" + "é" * 501, "the key is too long by 2 bytes for its summary"),
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
    assert list(s3.written) == ["processed/a.rejected.json"]


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
