"""The data path under faults: bucket → queue → function → PostgreSQL, each case stored once.

The deployed package runs in its own processes with credentials of the function's role; the emulator
enforces the policies of the role. The database is PostgreSQL over TLS at the address in the secret.
After each fault the tests compare the rows, the quarantined objects, the summaries and the messages
in the dead-letter queue with the expected ones.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Environment
from tools.bench import generated_report
from tools.local.event_source_mapping import EventSourceMapping
from tools.postgres import PostgresServer

Case = tuple[str, str, str, str, str]
"""Object key and version, suite, name and outcome."""


def until(true: Callable[[], Any], what: str, seconds: float = 60) -> None:
    """Wait until `true()` is true, at most `seconds`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def report(count: int, kind: str = "junit-xml") -> bytes:
    text = io.StringIO()
    generated_report.WRITERS[kind](text, count)
    return text.getvalue().encode()


@dataclass(frozen=True)
class Upload:
    """One version of an object, and the number of generated cases in it."""

    key: str
    version: str
    cases: int

    def rows(self) -> Iterator[Case]:
        for case in generated_report.cases(self.cases):
            yield self.key, self.version, case.suite, case.name, case.outcome

    def notification(self, bucket: str) -> str:
        """The notification that S3 sent for this object."""
        s3 = {"bucket": {"name": bucket}, "object": {"key": self.key, "versionId": self.version}}
        record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}
        return json.dumps({"Records": [record]})


@dataclass
class DataPath:
    """The deployed data path with a database; methods read its queues, objects and rows."""

    environment: Environment
    database: PostgresServer
    folder: Path
    logs: list[Path] = field(default_factory=list)
    before: set[tuple[str, str]] = field(default_factory=set)

    @property
    def bucket(self) -> str:
        return str(self.environment.outputs["data_bucket_name"])

    def mapping(self, **options: Any) -> EventSourceMapping:
        """The event source mapping; a failed message is retried after a second by default."""
        self.logs.append(self.folder / f"function-{len(self.logs)}.log")
        return EventSourceMapping(
            self.environment.emulator,
            self.environment.outputs["function_name"],
            overrides={"DATABASE_CA_BUNDLE": str(self.database.ca_bundle)},
            log_path=self.logs[-1],
            **{"retry_seconds": 1} | options,
        )

    def upload(self, name: str, body: bytes, cases: int = 0) -> Upload:
        s3 = self.environment.client("s3")
        key = f"incoming/{name}"
        answer = s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return Upload(key, answer["VersionId"], cases)

    def upload_good(self, name: str, cases: int = 100, kind: str = "junit-xml") -> Upload:
        return self.upload(name, report(cases, kind), cases)

    def send(self, body: str) -> None:
        url = self.environment.outputs["queue_url"]
        self.environment.client("sqs").send_message(QueueUrl=url, MessageBody=body)

    def publish_password(self) -> None:
        """Write address and password of the database into the secret's current version."""
        self.environment.client("secretsmanager").put_secret_value(
            SecretId=self.environment.outputs["database_secret_arn"],
            SecretString=json.dumps(self.database.secret()),
        )

    def waiting(self, queue: str = "queue_url") -> int:
        """The number of messages in a queue, visible or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.environment.client("sqs").get_queue_attributes(
            QueueUrl=self.environment.outputs[queue], AttributeNames=names
        )
        return sum(int(answer["Attributes"][name]) for name in names)

    def written(self, prefix: str) -> dict[str, bytes]:
        """The objects that the function wrote since `reset`, by key."""
        get = self.environment.client("s3").get_object
        new = self._versions(prefix) - self.before
        return {
            key: get(Bucket=self.bucket, Key=key, VersionId=version)["Body"].read()
            for key, version in new
        }

    def _versions(self, prefix: str) -> set[tuple[str, str]]:
        pages = self.environment.client("s3").get_paginator("list_object_versions")
        return {
            (about["Key"], about["VersionId"])
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix)
            for about in page.get("Versions", [])
            if about["IsLatest"]
        }

    def reset(self) -> None:
        """Empty the queues and the database; objects remain, because deletion requires MFA."""
        sqs = self.environment.client("sqs")
        # PurgeQueue is allowed only once a minute.
        for queue in ("queue_url", "dead_letter_queue_url"):
            of = {"QueueUrl": self.environment.outputs[queue]}
            while messages := sqs.receive_message(**of, MaxNumberOfMessages=10).get("Messages"):
                for message in messages:
                    sqs.delete_message(**of, ReceiptHandle=message["ReceiptHandle"])
        self.before = self._versions("processed/") | self._versions("quarantine/")
        self.database.query("DROP SCHEMA IF EXISTS results CASCADE")

    def log(self) -> str:
        return "".join(log.read_text(encoding="utf-8") for log in self.logs if log.exists())

    def stored(self) -> Counter[Case]:
        """Every case in the database."""
        rows = self.database.query(
            "SELECT object_key, object_version, suite, name, outcome"
            " FROM results.cases JOIN results.runs ON id = run_id"
        )
        return Counter((key, version, suite, name, end) for key, version, suite, name, end in rows)

    def check(self, *good: Upload, bad: dict[str, str] | None = None, dead: int = 0) -> None:
        """Assert that exactly this is stored: each case of the good uploads once, with a run and
        its counts; a reason for each bad upload, by key; `dead` messages in the dead-letter queue;
        no waiting messages.
        """
        assert self.waiting() == 0
        assert self.waiting("dead_letter_queue_url") == dead
        expected = Counter(row for upload in good for row in upload.rows())
        stored = self.stored() if good else Counter()
        assert stored - expected == Counter(), "unexpected cases"
        assert expected - stored == Counter(), "missing cases"
        counted = "SELECT object_key, object_version, cases, passed, failed, error, skipped"
        runs = self.database.query(f"{counted} FROM results.runs") if good else []
        assert sorted(runs) == sorted(
            (one.key, one.version, str(one.cases), *map(str, _outcomes(one.cases))) for one in good
        )
        sums = "SELECT run_id, sum(cases) FROM results.suites GROUP BY run_id"
        if good:
            assert Counter(count for _, count in self.database.query(sums)) == Counter(
                str(one.cases) for one in good
            )
        self._check_objects(good, bad or {})

    def _check_objects(self, good: tuple[Upload, ...], bad: dict[str, str]) -> None:
        summaries = self.written("processed/")
        names = {upload.key.removeprefix("incoming/") for upload in good}
        assert len(summaries) == len(names)
        for name in names:
            (found,) = [key for key in summaries if name in key]
            last = [one for one in good if one.key.endswith(name)][-1]
            assert json.loads(summaries[found])["totals"]["cases"] == last.cases
        quarantined = self.written("quarantine/")
        for key, reason in bad.items():
            about = {k: v for k, v in quarantined.items() if key.removeprefix("incoming/") in k}
            original = self.environment.client("s3").get_object(Bucket=self.bucket, Key=key)
            assert original["Body"].read() in about.values(), "the copy is missing"
            assert any(reason.encode() in text for text in about.values()), about
            for one in about:
                del quarantined[one]
        assert not quarantined


def _outcomes(count: int) -> list[int]:
    return list(generated_report.counts(count).values())


@contextlib.contextmanager
def secret_of(environment: Environment, database: PostgresServer) -> Iterator[None]:
    """Write the address of a database into the secret; restore the former version at the end."""
    secrets, arn = environment.client("secretsmanager"), environment.outputs["database_secret_arn"]
    former = secrets.get_secret_value(SecretId=arn)["VersionId"]
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(database.secret()))
    yield
    current = secrets.get_secret_value(SecretId=arn)["VersionId"]
    secrets.update_secret_version_stage(
        SecretId=arn,
        VersionStage="AWSCURRENT",
        MoveToVersionId=former,
        RemoveFromVersionId=current,
    )


@pytest.fixture(scope="module")
def database(environment: Environment) -> Iterator[PostgresServer]:
    secrets, arn = environment.client("secretsmanager"), environment.outputs["database_secret_arn"]
    deployed = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    name = environment.outputs["aurora_database_name"]
    with (
        PostgresServer(
            user=deployed["username"], password=deployed["password"], database=name
        ) as server,
        secret_of(environment, server),
    ):
        yield server


@pytest.fixture
def path(environment: Environment, database: PostgresServer, tmp_path: Path) -> DataPath:
    """The data path without messages, rows and schema."""
    found = DataPath(environment, database, tmp_path)
    found.reset()
    return found


def test_invalid_message_does_not_affect_the_rest_of_its_batch(path: DataPath) -> None:
    good = [path.upload_good(f"poison/{kind}", 120, kind) for kind in generated_report.WRITERS]
    bad = path.upload("poison/binary", b"\0\1\2\3 not a report")
    path.send("no notification at all")
    with path.mapping(concurrency=1, retry_seconds=0) as mapping:
        mapping.drain(60)
    assert len(mapping.deliveries[0].message_ids) == len(good) + 2
    path.check(*good, bad={bad.key: "binary"}, dead=1)
    assert "no notification at all" in path.log()


def test_object_with_repeated_notifications_is_stored_once(path: DataPath) -> None:
    first = path.upload_good("again/junit.xml", 300)
    for _ in range(4):
        path.send(first.notification(path.bucket))
    with path.mapping() as mapping:
        mapping.drain(60)
        path.check(first)
        second = path.upload_good("again/junit.xml", 200)
        path.send(first.notification(path.bucket))
        path.send(second.notification(path.bucket))
        mapping.drain(60)
    assert sum(len(delivery.message_ids) for delivery in mapping.deliveries) == 8
    path.check(first, second)


def test_two_functions_store_the_same_object_once(path: DataPath) -> None:
    upload = path.upload_good("at-once/junit.xml", 30_000)
    for _ in range(3):
        path.send(upload.notification(path.bucket))
    alone = {"concurrency": 1, "batch_size": 1}
    # While one processes a message, the other can receive only the next one.
    with path.mapping(**alone) as one, path.mapping(**alone) as other:
        one.drain(120)
        other.drain(120)
    assert one.deliveries
    assert other.deliveries
    path.check(upload)


def test_database_restart_loses_and_duplicates_nothing(path: DataPath) -> None:
    uploads = [path.upload_good(f"outage/{number}.xml", 120_000) for number in range(3)]
    written = "SELECT coalesce(pg_relation_size(to_regclass('results.cases')), 0)"
    with path.mapping(concurrency=1, batch_size=1, retry_seconds=3) as mapping:
        # More than the first COPY of the first file, and less than the whole file.
        until(lambda: int(path.database.query(written)[0][0]) > 10 * 2**20, "rows being written")
        path.database.stop(crash=True)
        time.sleep(2)
        path.database.start()
        mapping.drain(120)
    assert any(delivery.failed for delivery in mapping.deliveries), "no delivery failed"
    path.check(*uploads)


def test_messages_are_processed_across_a_password_rotation(path: DataPath) -> None:
    with path.mapping(concurrency=1) as mapping:
        before = path.upload_good("rotation/before.xml")
        mapping.drain(60)
        path.database.change_password("another, with 'quotes' and ünïcode")
        path.database.disconnect()
        between = path.upload_good("rotation/between.xml")
        # The secret still has the old password.
        until(lambda: any(delivery.failed for delivery in mapping.deliveries), "a failure")
        path.publish_password()
        after = path.upload_good("rotation/after.xml")
        mapping.drain(60)
    path.check(before, between, after)


def test_truncated_gzip_is_quarantined_without_retry(path: DataPath) -> None:
    whole = gzip.compress(report(5_000))
    good = path.upload("gzip/whole.xml.gz", whole, 5_000)
    bad = path.upload("gzip/cut.xml.gz", whole[: len(whole) * 3 // 4])
    with path.mapping() as mapping:
        mapping.drain(60)
    path.check(good, bad={bad.key: "truncated"})
    assert all(not delivery.failed for delivery in mapping.deliveries), "a delivery failed"


def test_redriven_messages_are_stored(path: DataPath) -> None:
    with path.mapping() as mapping:
        first = path.upload_good("dead/first.xml")
        mapping.drain(60)
    path.database.stop()
    uploads = [path.upload_good(f"dead/{number}.xml") for number in range(3)]
    with path.mapping(retry_seconds=0) as mapping:
        mapping.drain(120)
    path.database.start()
    path.check(first, dead=len(uploads))
    path.environment.client("sqs").start_message_move_task(
        SourceArn=path.environment.outputs["dead_letter_queue_arn"]
    )
    with path.mapping() as mapping:
        mapping.drain(60)
    path.check(first, *uploads)


def test_report_of_a_million_cases_is_stored_in_bounded_memory(
    path: DataPath, tmp_path: Path
) -> None:
    count, file = 1_000_000, tmp_path / "million.xml.gz"
    with gzip.open(file, "wt", encoding="utf-8", compresslevel=1) as text:
        generated_report.write_junit(text, count)
    path.environment.client("s3").upload_file(str(file), path.bucket, "incoming/million.xml.gz")
    with path.mapping() as mapping:
        mapping.drain(150)
    (delivery,) = mapping.deliveries
    assert not delivery.failed
    assert delivery.peak_memory_mib < 200
    outcomes = path.database.query("SELECT outcome, count(*) FROM results.cases GROUP BY 1")
    assert {name: int(number) for name, number in outcomes} == generated_report.counts(count)
    distinct = "SELECT count(DISTINCT (suite, name)), max(position) - min(position) + 1"
    assert path.database.query(f"{distinct} FROM results.cases") == [(str(count), str(count))]
    assert path.database.query("SELECT cases FROM results.runs") == [(str(count),)]
    (summary,) = path.written("processed/").values()
    assert json.loads(summary)["totals"]["cases"] == count
    assert not path.written("quarantine/")
    assert path.waiting() == path.waiting("dead_letter_queue_url") == 0
