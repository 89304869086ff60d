"""The local data path, with a fake emulator, a fake PostgreSQL server and a fake mapping."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError

from tools.errors import ToolError
from tools.local import data_path as module
from tools.local.data_path import LocalDataPath

OUTPUTS = {
    "aurora_database_name": "tap",
    "data_bucket_name": "data",
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
    """S3, SQS and Secrets Manager of one account."""

    def __init__(self, dead: int | None) -> None:
        self.secret = json.dumps({"username": "user", "password": "word", "host": "aurora"})
        self.uploads: list[str] = []
        self.dead = dead

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": self.secret}

    def put_secret_value(self, *, SecretString: str, **_: str) -> None:  # noqa: N803
        self.secret = SecretString

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

    host, port, ca_bundle = "localhost", 5432, Path("ca.pem")

    def __init__(self, **arguments: str) -> None:
        assert arguments == {"user": "user", "password": "word", "database": "tap"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def secret(self) -> dict[str, str | int]:
        return {"host": self.host, "port": self.port}

    def query(self, statement: str) -> list[tuple[str, ...]]:
        if "pg_tables" in statement:
            return [("results.cases", "cases")]
        return [("16.9",)] if statement.startswith("SHOW") else [("4",)]

    def table(self, statement: str) -> str:
        assert statement.startswith("SELECT * FROM results.")
        return "  a table"


class FakeMapping:
    """An event source mapping that empties the queue."""

    config = SimpleNamespace(batch_size=10, maximum_concurrency=5, queue_arn="arn:queue")

    def __init__(self, _emulator: object, name: str, **options: Any) -> None:
        assert name == "one"
        assert options["overrides"] == {"DATABASE_CA_BUNDLE": "ca.pem"}

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
    monkeypatch.setattr(module, "PostgresServer", FakeServer)
    monkeypatch.setattr(module, "EventSourceMapping", FakeMapping)
    emulator: Any = SimpleNamespace(client=lambda _service: client)
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
    assert json.loads(client.secret) == {
        **{"username": "user", "password": "word", "host": "localhost", "port": 5432}
    }
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
