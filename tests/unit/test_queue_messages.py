"""Invocations with messages of the queue: partial failures and metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

import data_processor
from store import Store
from tests.support.function_database import count, drop_schema
from tests.support.function_log import reset_logger
from tests.support.in_memory_store import InMemoryStore
from tools.postgres import PostgresServer

BUCKET = "data-dev"
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-1111-2222-3333-444455556666"
CSV = b"suite,name,outcome,duration_seconds,message\ns,a,passed,1.5,\ns,b,failed,0.25,why\n"
CONTEXT = SimpleNamespace(aws_request_id="request-1")


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryStore]:
    variables = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "DATA_BUCKET": BUCKET,
        "KMS_KEY_ARN": KEY_ARN,
        "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:tap-dev-A",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    store = InMemoryStore()
    monkeypatch.setattr(data_processor, "Store", lambda _: store)
    data_processor._runtime.cache_clear()
    reset_logger()
    yield store
    data_processor._runtime.cache_clear()


@pytest.fixture
def s3(rows: InMemoryStore) -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def uploaded(s3: Any, key: str, data: bytes = CSV, **metadata: str) -> dict[str, Any]:
    version = s3.put_object(Bucket=BUCKET, Key=key, Body=data, Metadata=metadata)["VersionId"]
    return record(key, versionId=version)


def record(key: str, bucket: str = BUCKET, **more: str) -> dict[str, Any]:
    return {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, **more}},
    }


def message(id_: str, *records: Any, body: str | None = None) -> dict[str, Any]:
    return {
        "messageId": id_,
        "eventSource": "aws:sqs",
        "body": json.dumps({"Records": records}) if body is None else body,
    }


def failed(*messages: dict[str, Any], context: object = CONTEXT) -> list[str]:
    answer = data_processor.handler({"Records": list(messages)}, context)
    assert set(answer) == {"batchItemFailures"}
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = (line for line in lines if "_aws" in line)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "TestResults"
    assert (line["service"], line["environment"]) == ("data-processor", "dev")
    return {metric["Name"]: line[metric["Name"]][0] for metric in directive["Metrics"]}


def keys(s3: Any, prefix: str) -> list[str]:
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [item["Key"].removeprefix(prefix) for item in found]


def test_valid_reports_are_processed_and_counted(
    s3: Any, rows: InMemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = [message(str(n), uploaded(s3, f"incoming/{n}", commit="c1")) for n in range(3)]
    assert failed(*messages) == []
    assert [len(cases) for cases in rows.runs.values()] == [2, 2, 2]
    assert {columns["commit"] for columns in rows.columns.values()} == {"c1"}
    assert metrics(capsys) == {"ReportsProcessed": 3, "CasesStored": 6}


def test_invalid_report_is_quarantined_without_retry(
    s3: Any, rows: InMemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = [
        message("valid", uploaded(s3, "incoming/valid")),
        message("invalid", uploaded(s3, "incoming/invalid", b"not a report")),
    ]
    assert failed(*messages) == []
    assert keys(s3, "quarantine/") == ["invalid", "invalid.reason.json"]
    assert keys(s3, "processed/") == ["valid.summary.json"]
    assert metrics(capsys) == {"ReportsProcessed": 1, "CasesStored": 2, "ReportsRejected": 1}


@pytest.mark.parametrize(
    "invalid",
    [
        message("invalid", body="no JSON"),
        message("invalid", body='{"hello": 1}'),
        message("invalid", record("incoming/a", bucket="other")),
        message("invalid", record("elsewhere/a")),
        {"messageId": "invalid", "eventSource": "aws:sqs"},
    ],
)
def test_message_without_processable_object_fails(
    invalid: dict[str, Any], s3: Any, rows: InMemoryStore
) -> None:
    assert failed(message("valid", uploaded(s3, "incoming/valid")), invalid) == ["invalid"]
    assert len(rows.runs) == 1


@pytest.mark.parametrize(
    "ignored",
    [
        message("m", body='{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}'),
        message("m", record("incoming/gone")),
        message("m", record("incoming/folder/")),
        message("m"),
    ],
)
def test_message_without_existing_object_is_not_retried(ignored: dict[str, Any], s3: Any) -> None:
    assert failed(ignored) == []


def test_s3_test_event_is_not_counted(s3: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert failed(message("m", body='{"Event": "s3:TestEvent"}')) == []
    assert capsys.readouterr().out == ""


def test_transient_error_fails_its_messages(
    s3: Any, rows: InMemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    messages = [message(str(n), uploaded(s3, f"incoming/{n}")) for n in range(2)]
    rows.error = ConnectionRefusedError("the database is failing over")
    assert failed(*messages) == ["0", "1"], (
        "reported as failures of the messages, not of the invocation"
    )
    assert metrics(capsys) == {"ReportsFailed": 2}
    rows.error = None
    assert failed(*messages) == []
    assert len(rows.runs) == 2


def test_message_of_several_objects_fails_if_one_fails(
    s3: Any, rows: InMemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    both = message("m", uploaded(s3, "incoming/a"), record("elsewhere/b"))
    assert failed(both) == ["m"]
    assert len(rows.runs) == 1
    capsys.readouterr()
    assert failed(both) == ["m"]
    assert metrics(capsys) == {
        "ReportsProcessed": 1,
        "ReportsStoredBefore": 1,
        "ReportsRejected": 1,
    }


def test_duplicate_delivery_is_stored_once(s3: Any, rows: InMemoryStore) -> None:
    upload = uploaded(s3, "incoming/a")
    assert failed(message("1", upload), message("2", upload)) == []
    assert len(rows.runs) == 1


class TimedContext:
    """Context of an invocation with a timeout of 5 minutes, in which reports take `seconds`."""

    aws_request_id = "request-1"

    def __init__(self, rows: InMemoryStore, *seconds: int) -> None:
        self.left, self._seconds, self._save = 300, iter(seconds), rows.save
        rows.save = self._slowly  # type: ignore[method-assign]

    def get_remaining_time_in_millis(self) -> int:
        return self.left * 1_000

    def _slowly(self, *arguments: Any, **more: Any) -> bool:
        self.left -= next(self._seconds, 0)
        return self._save(*arguments, **more)


@pytest.mark.parametrize(
    ("seconds", "left"), [((120, 120), ["2"]), ((100, 100, 100), []), ((10, 160), ["2"])]
)
def test_message_is_not_started_with_insufficient_time(
    seconds: tuple[int, ...],
    left: list[str],
    s3: Any,
    rows: InMemoryStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    messages = [message(str(n), uploaded(s3, f"incoming/{n}")) for n in range(3)]
    assert failed(*messages, context=TimedContext(rows, *seconds)) == left
    assert len(rows.runs) == len(seconds)
    assert metrics(capsys)["ReportsProcessed"] == len(seconds)


def test_failures_are_reported_per_invocation(s3: Any) -> None:
    assert failed(message("1", body="no JSON")) == ["1"]
    assert failed(message("2", uploaded(s3, "incoming/a"))) == []


def test_messages_are_stored_in_postgresql(
    s3: Any, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Secrets Manager and PostgreSQL instead of stubs."""
    drop_schema(postgres)
    secret = boto3.client("secretsmanager").create_secret(
        Name="tap-dev", SecretString=json.dumps(postgres.secret())
    )
    monkeypatch.setenv("DATABASE_SECRET_ARN", secret["ARN"])
    monkeypatch.setenv("DATABASE_CA_BUNDLE", str(postgres.ca_bundle))
    monkeypatch.setattr(data_processor, "Store", Store)
    valid = message("valid", uploaded(s3, "incoming/valid"))
    invalid = message("invalid", uploaded(s3, "incoming/invalid", CSV + b"s,c,perhaps,1,\n"))
    for _ in range(2):
        assert failed(valid, invalid, valid) == []
    assert count(postgres, "runs", "suites", "cases") == (1, 1, 2)
    assert keys(s3, "quarantine/") == ["invalid", "invalid.reason.json"]
    postgres.stop(crash=True)
    late = message("late", uploaded(s3, "incoming/late"))
    assert failed(late, invalid) == ["late", "invalid"]
    postgres.start()
    assert failed(late, invalid) == []
    assert count(postgres, "runs", "cases") == (2, 4)
