"""The local data path, with a fake emulator, a fake PostgreSQL server and a fake mapping."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import pytest
from botocore.exceptions import ClientError

from tools.errors import ToolError
from tools.local import data_path as module
from tools.local import database
from tools.local.data_path import LocalDataPath

OUTPUTS = {
    "aurora_cluster_id": "aurora",
    "aurora_database_name": "tap",
    "data_bucket_name": "data",
    "database_administrator_name": "administrator",
    "database_secret_arn": "secret",
    "dead_letter_queue_url": "dead",
    "function_name": "one",
}
SUMMARY = {
    "totals": {"cases": 1, "duration_seconds": 1, "passed": 1},
    "failures": [],
    "slowest": [],
}


class FakeClient:
    """S3, SQS, RDS and Secrets Manager of one account."""

    def __init__(self, dead: int | None) -> None:
        self.uploads: list[str] = []
        self.dead = dead

    def get_secret_value(self, **_: str) -> dict[str, str]:
        value = {"username": "user", "password": "word", "host": "aurora"}
        return {"SecretString": json.dumps(value)}

    def describe_db_clusters(self, **_: str) -> dict[str, Any]:
        return {"DBClusters": [{"DbClusterResourceId": "cluster-1"}]}

    def put_object(self, *, Key: str, **_: object) -> None:  # noqa: N803
        self.uploads.append(Key)

    def list_objects_v2(self, *, Prefix: str, **_: str) -> dict[str, Any]:  # noqa: N803
        return {"Contents": [{"Key": f"{Prefix}one.xml"}]}

    def get_object(self, **_: str) -> dict[str, Any]:
        body = io.BytesIO(json.dumps(SUMMARY).encode())
        return {"ServerSideEncryption": "aws:kms", "Body": body}

    def get_queue_attributes(self, **_: object) -> dict[str, Any]:
        if self.dead is None:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetQueueAttributes")
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.dead)}}


class FakeServer:
    """A PostgreSQL server with one table."""

    host, port, token_port = "localhost", 5432, 5433
    password, ca_bundle = "word", Path("ca.pem")

    def __init__(self, verify_token: Any, **arguments: str) -> None:
        assert arguments == {"user": "user", "password": "word", "database": "tap"}
        assert verify_token("localhost", 5433, "tap_processor", "token") == "refused"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def query(self, statement: str) -> list[tuple[str, ...]]:
        if "pg_tables" in statement:
            return [("results.cases", "cases")]
        return [("16.9",)] if statement.startswith("SHOW") else [("4",)]

    def table(self, statement: str) -> str:
        assert statement.startswith("SELECT * FROM results.")
        return "  a table"


class FakeAdministrator:
    """The function that migrates the schema."""

    settings: ClassVar = {"FunctionArn": "arn:function"}
    events: ClassVar[list[object]] = []

    def __init__(self, _emulator: object, name: str, **options: Any) -> None:
        assert name == "administrator"
        assert options["overrides"] == {
            "DATABASE_HOST": "localhost",
            "DATABASE_PORT": "5432",
            "DATABASE_CA_BUNDLE": "ca.pem",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def process(self) -> Self:
        return self

    def invoke(self, event: object) -> SimpleNamespace:
        self.events.append(event)
        return SimpleNamespace(result={})


class FakeMapping:
    """An event source mapping that empties the queue."""

    config = SimpleNamespace(
        batch_size=10, maximum_concurrency=5, queue_arn="arn:queue", enabled=True
    )

    def __init__(self, _emulator: object, name: str, **options: Any) -> None:
        assert name == "one"
        assert FakeAdministrator.events == [{"action": "migrate"}], "the schema is not migrated"
        assert options["overrides"] == {
            "DATABASE_HOST": "localhost",
            "DATABASE_PORT": "5433",
            "DATABASE_CA_BUNDLE": "ca.pem",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def drain(self, seconds: float) -> None:
        assert seconds > 0


def processed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dead: int | None = 0
) -> tuple[FakeClient, str]:
    """Process one file; returns the account and the description of the data path."""
    client = FakeClient(dead)
    monkeypatch.setattr(FakeAdministrator, "events", [])
    monkeypatch.setattr(database, "PostgresServer", FakeServer)
    monkeypatch.setattr(database, "LocalFunction", FakeAdministrator)
    monkeypatch.setattr(module, "EventSourceMapping", FakeMapping)
    emulator: Any = SimpleNamespace(
        client=lambda _service: client,
        invocation_events=lambda arn: [{"action": "migrate"}] if arn == "arn:function" else [],
        database_token_rejection=lambda resource, **_: "refused" if resource == "cluster-1" else "",
    )
    file = tmp_path / "one.xml"
    file.touch()
    with LocalDataPath(emulator, OUTPUTS, tmp_path / "log") as path:
        path.process([file])
        return client, path.description()


def test_files_are_uploaded_and_the_results_are_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client, description = processed(monkeypatch, tmp_path)
    assert client.uploads == ["incoming/one.xml"]
    assert "PostgreSQL 16.9 at localhost:5432 replaces Aurora" in description
    text = capsys.readouterr().out
    assert "s3://data/processed/one.xml, encrypted with aws:kms\n  1 cases in 1 s: 1 passed" in text
    assert "s3://data/quarantine/one.xml, encrypted with aws:kms\n\n" in text
    assert "  cases                       4\n" in text
    assert text.endswith(";\n  a table\n")


def test_message_in_the_dead_letter_queue_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ToolError, match="dead-letter queue: received 2 messages; accepted: none"):
        processed(monkeypatch, tmp_path, dead=2)
    with pytest.raises(ToolError, match=r"dead-letter queue: .*AccessDenied"):
        processed(monkeypatch, tmp_path, dead=None)


def test_messages_stay_in_the_queue_while_the_mapping_is_disabled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = SimpleNamespace(**vars(FakeMapping.config) | {"enabled": False})
    monkeypatch.setattr(FakeMapping, "config", config)
    client, _ = processed(monkeypatch, tmp_path)
    assert client.uploads == ["incoming/one.xml"]
    text = capsys.readouterr().out
    assert "TAP_PROCESSING_RESERVED_CONCURRENCY=0 requires: the messages stay in the queue" in text
    assert "rows in PostgreSQL" not in text
