"""Invocations of the handler, with an emulated data bucket with versioning and KMS."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote_plus

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

import data_processor
from environment import InvalidEnvironmentError
from tests.support.function_log import reset_logger
from tests.support.in_memory_store import InMemoryStore

SAMPLES = Path(__file__).parents[2] / "samples"
BUCKET = "data-dev"
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-1111-2222-3333-444455556666"
SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:tap-dev-AbCdEf"
CSV = b"suite,name,outcome,duration_seconds,message\ns,a,passed,1.5,\ns,b,failed,0.25,why\n"
CONTEXT = SimpleNamespace(aws_request_id="request-1")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    variables = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret-but-not-to-be-logged",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATA_BUCKET": BUCKET,
        "INCOMING_PREFIX": "incoming/",
        "PROCESSED_PREFIX": "processed/",
        "KMS_KEY_ARN": KEY_ARN,
        "ENVIRONMENT_SUFFIX": "dev",
        "LOG_LEVEL": "INFO",
        "DATABASE_SECRET_ARN": SECRET_ARN,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(data_processor, "Store", InMemoryStore)
    data_processor._runtime.cache_clear()
    reset_logger()
    yield
    data_processor._runtime.cache_clear()


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def put(s3: Any, key: str, data: bytes) -> str:
    version: str = s3.put_object(Bucket=BUCKET, Key=key, Body=data)["VersionId"]
    return version


def direct(key: str, bucket: str = BUCKET) -> dict[str, str]:
    return {"bucket": bucket, "key": key}


def read(s3: Any, key: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return content


def keys(s3: Any) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" not in line]  # without the metrics


def test_summary_contains_source_totals_and_cases(s3: Any) -> None:
    version = put(s3, "incoming/team/run.csv", CSV)
    assert data_processor.handler(direct("incoming/team/run.csv"), CONTEXT) == {
        "processed": ["processed/team/run.csv.summary.json"],
        "rejected": [],
    }
    summary = read(s3, "processed/team/run.csv.summary.json")
    assert summary.pop("processed_at").endswith("+00:00")
    counts = {"cases": 2, "passed": 1, "failed": 1, "error": 0, "skipped": 0}
    tally = counts | {"flaky": 0, "untimed": 0, "duration_seconds": 1.75}
    a = {"suite": "s", "classname": "", "name": "a", "duration_seconds": 1.5}
    b = {"suite": "s", "classname": "", "name": "b", "duration_seconds": 0.25}
    assert summary == {
        "schema_version": 1,
        "source": {
            "bucket": BUCKET,
            "key": "incoming/team/run.csv",
            "version_id": version,
            "etag": s3.head_object(Bucket=BUCKET, Key="incoming/team/run.csv")["ETag"].strip('"'),
            "bytes": len(CSV),
        },
        "format": "csv",
        "compression": "none",
        "run": {"commit": None, "branch": None, "started_at": None, "labels": {}},
        "totals": tally,
        "failures": [b | {"outcome": "failed", "message": "why"}],
        "failures_omitted": 0,
        "slowest": [a, b],
        "suites": [{"name": "s"} | tally],
        "other_suites": None,
    }


@pytest.mark.parametrize(
    ("sample", "format_", "totals"),
    [
        ("pytest.xml", "junit-xml", (9, 5, 2, 1, 1, 0, 14.871)),
        ("surefire.xml", "junit-xml", (4, 2, 1, 0, 1, 1, 1305.224)),
        ("load.csv", "csv", (6, 3, 1, 1, 1, 0, 303.442)),
        ("nightly.jsonl", "json-lines", (7, 4, 1, 1, 1, 1, 52.913)),
    ],
)
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_samples_give_expected_totals(
    s3: Any, sample: str, format_: str, totals: tuple[float, ...], compression: str
) -> None:
    data = (SAMPLES / sample).read_bytes()
    # Without a file extension: the format is detected from the content.
    put(s3, "incoming/sample", gzip.compress(data) if compression == "gzip" else data)
    data_processor.handler(direct("incoming/sample"), CONTEXT)
    summary = read(s3, "processed/sample.summary.json")
    assert (summary["format"], summary["compression"]) == (format_, compression)
    names = ("cases", "passed", "failed", "error", "skipped", "flaky", "duration_seconds")
    assert tuple(summary["totals"][name] for name in names) == totals


def test_summary_is_encrypted_with_the_key(s3: Any) -> None:
    put(s3, "incoming/run.csv", CSV)
    data_processor.handler(direct("incoming/run.csv"), CONTEXT)
    head = s3.head_object(Bucket=BUCKET, Key="processed/run.csv.summary.json")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", KEY_ARN)
    assert head["ContentType"] == "application/json"


def test_quarantine_is_encrypted_with_the_key(s3: Any) -> None:
    put(s3, "incoming/run.csv", b"not a report")
    data_processor.handler(direct("incoming/run.csv"), CONTEXT)
    for key in ("quarantine/run.csv", "quarantine/run.csv.reason.json"):
        head = s3.head_object(Bucket=BUCKET, Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", KEY_ARN)


def test_summary_is_indented_utf8_json(s3: Any) -> None:
    put(s3, "incoming/run.csv", CSV.replace(b"why", "Grüße".encode()))
    data_processor.handler(direct("incoming/run.csv"), CONTEXT)
    text = s3.get_object(Bucket=BUCKET, Key="processed/run.csv.summary.json")["Body"].read()
    assert "Grüße".encode() in text
    assert text.endswith(b"\n}\n")


def test_repeated_invocation_gives_the_same_summary(s3: Any) -> None:
    put(s3, "incoming/run.xml", (SAMPLES / "pytest.xml").read_bytes())
    summaries = []
    for _ in range(2):
        data_processor.handler(direct("incoming/run.xml"), CONTEXT)
        summary = read(s3, "processed/run.xml.summary.json")
        assert summary.pop("processed_at")
        summaries.append(json.dumps(summary))
    assert summaries[0] == summaries[1]


def test_version_of_the_notification_is_read(s3: Any) -> None:
    first = put(s3, "incoming/a b+ü.csv", CSV)
    put(s3, "incoming/a b+ü.csv", b"newer, and no report")
    found = {"key": quote_plus("incoming/a b+ü.csv"), "versionId": first}
    event = {"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": found}}]}
    assert data_processor.handler(event, CONTEXT)["processed"] == [
        "processed/a b+ü.csv.summary.json"
    ]
    # The latest version is invalid, and its summary would have the same key.
    assert keys(s3) == ["incoming/a b+ü.csv"]


def test_invalid_report_is_quarantined_and_reported_in_the_response(s3: Any) -> None:
    data = CSV + b"s,c,perhaps,1,\n"
    version = put(s3, "incoming/run.csv", data)
    answer = data_processor.handler(direct("incoming/run.csv"), CONTEXT)
    reason = answer["rejected"][0]["reason"]
    assert answer == {"processed": [], "rejected": [{"key": "incoming/run.csv", "reason": reason}]}
    assert reason.startswith(
        "csv, line 4, outcome: is not an outcome (received 'perhaps'); accepted: passed, "
    )
    assert s3.get_object(Bucket=BUCKET, Key="incoming/run.csv")["Body"].read() == data
    copy = "quarantine/run.csv"
    assert keys(s3) == ["incoming/run.csv", copy, f"{copy}.reason.json"]
    assert s3.get_object(Bucket=BUCKET, Key=copy)["Body"].read() == data
    note = read(s3, f"{copy}.reason.json")
    assert note["source"]["version_id"] == version
    assert note["reason"] == reason
    assert (note["schema_version"], note["detail"]["line"]) == (1, 4)
    assert note["detail"]["received"] == "'perhaps'"


def test_object_size_limit_is_inclusive(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_OBJECT_BYTES", str(len(CSV)))
    put(s3, "incoming/run.csv", CSV)
    assert data_processor.handler(direct("incoming/run.csv"), CONTEXT)["rejected"] == []


def test_limits_of_the_environment_apply(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_CASES", "1")
    put(s3, "incoming/run.csv", CSV)
    answer = data_processor.handler(direct("incoming/run.csv"), CONTEXT)
    assert answer["rejected"][0]["reason"] == (
        "csv: the report has too many cases; accepted: up to 1"
    )


def test_longest_valid_key_is_processed(s3: Any) -> None:
    key = "incoming/" + "x" * 1_000
    put(s3, key, CSV)
    assert data_processor.handler(direct(key), CONTEXT)["rejected"] == []


def test_prefixes_of_the_environment_apply(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCOMING_PREFIX", "in/")
    monkeypatch.setenv("PROCESSED_PREFIX", "out/done/")
    put(s3, "in/a/in/b.csv", CSV)
    answer = data_processor.handler(direct("in/a/in/b.csv"), CONTEXT)
    assert answer["processed"] == ["out/done/a/in/b.csv.summary.json"]


def test_missing_object_is_rejected_without_a_reason_object(s3: Any) -> None:
    answer = data_processor.handler(direct("incoming/gone.csv"), CONTEXT)
    assert answer["rejected"] == [
        {"key": "incoming/gone.csv", "reason": "the object does not exist"}
    ]
    assert keys(s3) == []


def test_transient_error_of_one_object_does_not_affect_others(
    s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = s3.get_object

    def get_object(**arguments: str) -> Any:
        if arguments["Key"] == "incoming/1":
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "later"}}, "GetObject")
        return original(**arguments)

    monkeypatch.setattr(s3, "get_object", get_object)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: s3)
    for number in range(3):
        put(s3, f"incoming/{number}", CSV)
    records = [
        {"s3": {"bucket": {"name": BUCKET}, "object": {"key": f"incoming/{number}"}}}
        for number in range(3)
    ]
    with pytest.raises(ClientError, match="SlowDown"):
        data_processor.handler({"Records": records}, CONTEXT)
    assert keys(s3)[3:] == ["processed/0.summary.json", "processed/2.summary.json"]
    lines = logged(capsys)
    assert [line["level"] for line in lines] == ["INFO", "ERROR", "INFO"]
    assert (lines[1]["message"], lines[1]["key"]) == (
        "report failed and will be retried",
        "incoming/1",
    )


def test_valid_and_invalid_records_are_reported_separately(s3: Any) -> None:
    put(s3, "incoming/valid.csv", CSV)
    put(s3, "incoming/invalid.csv", b"not a report")
    records: list[Any] = [
        {"s3": {"bucket": {"name": BUCKET}, "object": {"key": f"incoming/{name}.csv"}}}
        for name in ("invalid", "valid")
    ]
    answer = data_processor.handler({"Records": [*records, {}]}, CONTEXT)
    assert answer["processed"] == ["processed/valid.csv.summary.json"]
    assert [rejection["key"] for rejection in answer["rejected"]] == [None, "incoming/invalid.csv"]


def test_queue_messages_are_processed(s3: Any) -> None:
    put(s3, "incoming/run.csv", CSV)
    body = {
        "Records": [{"s3": {"bucket": {"name": BUCKET}, "object": {"key": "incoming/run.csv"}}}]
    }
    event = {"Records": [{"messageId": "m", "body": json.dumps(body)}]}
    assert data_processor.handler(event, CONTEXT) == {"batchItemFailures": []}
    assert keys(s3) == ["incoming/run.csv", "processed/run.csv.summary.json"]


def test_event_without_object_is_rejected_in_the_response(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = data_processor.handler({"hello": 1}, None)
    assert answer["rejected"][0]["key"] is None
    assert answer["rejected"][0]["reason"].startswith("event: received the fields ['hello']")
    assert [(line["level"], line["message"]) for line in logged(capsys)] == [
        ("WARNING", "event rejected")
    ]


def test_log_line_of_a_processed_report(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    version = put(s3, "incoming/run.csv", CSV)
    data_processor.handler(direct("incoming/run.csv") | {"versionId": version}, CONTEXT)
    (line,) = logged(capsys)
    del line["timestamp"]
    assert line == {
        "level": "INFO",
        "message": "report processed",
        "service": "data-processor",
        "environment": "dev",
        "request_id": "request-1",
        "bucket": BUCKET,
        "key": "incoming/run.csv",
        "version_id": version,
        "summary_key": "processed/run.csv.summary.json",
        "format": "csv",
        "cases": 2,
        "stored": True,
    }


def test_log_line_of_a_rejected_report(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    put(s3, "incoming/run.csv", b"")
    data_processor.handler(direct("incoming/run.csv"), CONTEXT)
    (line,) = logged(capsys)
    assert (line["level"], line["message"]) == ("WARNING", "report rejected")
    assert (line["bucket"], line["key"]) == (BUCKET, "incoming/run.csv")
    assert line["reason"].startswith("the report is empty or blank")
    assert line["request_id"] == "request-1"


def test_log_contains_no_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    with mock_aws(), pytest.raises(ClientError):
        data_processor.handler(direct("incoming/a"), CONTEXT)
    output = capsys.readouterr().out
    assert "NoSuchBucket" in output
    assert "not-to-be-logged" not in output
    assert "secretsmanager" not in output


def test_clients_are_created_once_per_execution_environment(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    original = boto3.client

    def client(service: str, **options: Any) -> Any:
        made.append(service)
        return original(service, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(boto3, "client", client)
    for name in ("a", "b"):
        put(s3, f"incoming/{name}", CSV.replace(b"s,a", f"s,{name}-test".encode()))
        data_processor.handler(direct(f"incoming/{name}"), CONTEXT)
    assert made == ["s3", "secretsmanager"]
    assert read(s3, "processed/b.summary.json")["slowest"][0]["name"] == "b-test"


def test_invalid_environment_is_raised_by_each_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KMS_KEY_ARN")
    for _ in range(2):
        with pytest.raises(InvalidEnvironmentError, match="KMS_KEY_ARN: received no value"):
            data_processor.handler(direct("incoming/a"), CONTEXT)
