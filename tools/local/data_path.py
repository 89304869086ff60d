"""The data path on this machine, with a PostgreSQL server instead of Aurora."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from botocore.exceptions import ClientError

from tools.emulator import Emulator
from tools.errors import ToolError
from tools.local.event_source_mapping import EventSourceMapping
from tools.postgres import PostgresServer

# The view that is printed, and the maximum number of rows.
VIEW = "results.pass_rate_by_suite_and_day"
_LINES = 6
_DRAIN_SECONDS = 120
# Instead of the queue's visibility timeout, which is as long as on AWS.
_RETRY_SECONDS = 2


class LocalDataPath:
    """Processes results from a deployed stack's queue into PostgreSQL, inside a `with` block.

    The emulated Aurora cluster stores no rows. A PostgreSQL server replaces it: the secret gets a
    new current value with the same user and password and the server's host and port, and the
    function's process gets the server's CA certificate.
    """

    def __init__(self, emulator: Emulator, outputs: dict[str, Any], log_path: Path) -> None:
        self._emulator = emulator
        self._outputs = outputs
        self._log_path = log_path
        self._open = ExitStack()
        self.server: PostgresServer
        self.mapping: EventSourceMapping

    def __enter__(self) -> Self:
        secrets, secret_id = self._emulator.client("secretsmanager"), self._secret_id
        value = json.loads(secrets.get_secret_value(SecretId=secret_id)["SecretString"])
        with ExitStack() as stack:
            self.server = stack.enter_context(
                PostgresServer(
                    user=value["username"],
                    password=value["password"],
                    database=self._outputs["aurora_database_name"],
                )
            )
            secrets.put_secret_value(
                SecretId=secret_id, SecretString=json.dumps(value | self.server.secret())
            )
            self.mapping = stack.enter_context(
                EventSourceMapping(
                    self._emulator,
                    self._outputs["function_name"],
                    overrides={"DATABASE_CA_BUNDLE": str(self.server.ca_bundle)},
                    log_path=self._log_path,
                    retry_seconds=_RETRY_SECONDS,
                )
            )
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def description(self) -> str:
        """Which server replaces Aurora, and how messages are processed."""
        (version,) = self.server.query("SHOW server_version")[0]
        config = self.mapping.config
        return (
            f"PostgreSQL {version} at {self.server.host}:{self.server.port} replaces Aurora; the"
            " secret's current value has its address.\nAs the event source mapping configures, a"
            f" batch has up to {config.batch_size} messages, and {config.maximum_concurrency}"
            " batches run at once."
        )

    def process(self, files: Sequence[Path]) -> None:
        """Upload files as results, wait until the queue is empty, and print the results."""
        s3, bucket = self._emulator.client("s3"), self._outputs["data_bucket_name"]
        started = time.monotonic()
        for path in files:
            s3.put_object(Bucket=bucket, Key=f"incoming/{path.name}", Body=path.read_bytes())
        print(f"\n{len(files)} files to s3://{bucket}/incoming/ → {self.mapping.config.queue_arn}")
        self.mapping.drain(_DRAIN_SECONDS)
        print(f"all messages processed in {time.monotonic() - started:.1f} s")
        for prefix in ("processed/", "quarantine/"):
            self._show_objects(s3, bucket, prefix)
        self._require_empty_dead_letter_queue()
        self._show_rows()

    @property
    def _secret_id(self) -> str:
        return str(self._outputs["database_secret_arn"])

    def _show_objects(self, s3: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401
        for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            found = s3.get_object(Bucket=bucket, Key=entry["Key"])
            print(f"\ns3://{bucket}/{entry['Key']}, encrypted with {found['ServerSideEncryption']}")
            if prefix == "processed/":
                print(summary_text(json.loads(found["Body"].read())))

    def _require_empty_dead_letter_queue(self) -> None:
        sqs, url = self._emulator.client("sqs"), self._outputs["dead_letter_queue_url"]
        try:
            name = "ApproximateNumberOfMessages"
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
            count = int(answer["Attributes"][name])
        except ClientError as error:
            raise ToolError(f"dead-letter queue: {error}") from error
        if count:
            raise ToolError(
                f"dead-letter queue: received {count} messages; accepted: none."
                f" The errors are in {self._log_path}."
            )

    def _show_rows(self) -> None:
        print("\nrows in PostgreSQL")
        tables = self.server.query(
            "SELECT format('%I.%I', schemaname, tablename), tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
        )
        for table, name in tables:
            ((count,),) = self.server.query(f"SELECT count(*) FROM {table}")  # noqa: S608
            print(f"  {name:<20} {count:>8}")
        statement = f"SELECT * FROM {VIEW} LIMIT {_LINES}"  # noqa: S608
        print(f"\n{statement};\n{self.server.table(statement)}")


def summary_text(summary: dict[str, Any]) -> str:
    """A summary object of the function as a few lines of text."""
    totals = summary["totals"]
    outcomes = ("passed", "failed", "error", "skipped", "flaky")
    counts = ", ".join(f"{totals[name]} {name}" for name in outcomes if totals.get(name))
    lines = [f"  {totals['cases']} cases in {totals['duration_seconds']:g} s: {counts}"]
    for kind in ("failures", "slowest"):
        for case in summary[kind][:3]:
            message = case.get("message") or f"{case['duration_seconds']:g} s"
            first = message.partition("\n")[0][:70]
            lines.append(f"  {kind}: {case['suite']} / {case['name']}: {first}")
    return "\n".join(lines)
