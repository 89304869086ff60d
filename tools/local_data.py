"""The data path on this machine: a real PostgreSQL in Aurora's place, and a worker on the queue."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError

from tools.emulator import Emulator
from tools.errors import ToolError
from tools.postgres import PostgresServer
from tools.worker import Worker

# What a person asks first, and how it is shown: at most so many lines.
VIEW = "results.pass_rate_by_suite_and_day"
_LINES = 6
_DRAIN_SECONDS = 120
# The emulator's queue hides a failed message as long as AWS would; nobody waits for that here.
_RETRY_SECONDS = 2


class LocalDataPath:
    """Takes a deployed stack's results from its queue into PostgreSQL, inside a `with` block.

    Aurora is emulated as a resource and holds no rows. So a PostgreSQL server takes its place: the
    secret's current value is replaced by one with the same user and password and the server's
    host and port, and the function's process gets the server's CA.
    """

    def __init__(self, emulator: Emulator, outputs: dict[str, Any], log_path: Path) -> None:
        self._emulator = emulator
        self._outputs = outputs
        self._log_path = log_path
        self._open = ExitStack()
        self.server: PostgresServer
        self.worker: Worker

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
            self.worker = stack.enter_context(
                Worker(
                    self._emulator,
                    self._outputs["function_name"],
                    overrides={"DATABASE_CA_BUNDLE": str(self.server.ca_bundle)},
                    log_path=self._log_path,
                    retry_seconds=_RETRY_SECONDS,
                )
            )
            self._open = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def about(self) -> str:
        """What stands in for what, for reading."""
        (version,) = self.server.query("SHOW server_version")[0]
        source = self.worker.source
        return (
            f"PostgreSQL {version} at {self.server.host}:{self.server.port} takes Aurora's place:"
            " the secret's current value\nnow leads there, with the same user and password. The"
            f" worker takes {source.batch_size} messages a batch, at most\n"
            f"{source.maximum_concurrency} batches at once, as the event source mapping says."
        )

    def process(self, files: Sequence[Path]) -> None:
        """Upload files as results, wait until the queue is empty, and show what became of them."""
        s3, bucket = self._emulator.client("s3"), self._outputs["data_bucket_name"]
        started = time.monotonic()
        for path in files:
            s3.put_object(Bucket=bucket, Key=f"incoming/{path.name}", Body=path.read_bytes())
        print(f"\n{len(files)} files to s3://{bucket}/incoming/ → {self.worker.source.queue_arn}")
        self.worker.drain(_DRAIN_SECONDS)
        print(f"all messages processed in {time.monotonic() - started:.1f} s")
        for prefix in ("processed/", "quarantine/"):
            self._show_objects(s3, bucket, prefix)
        self._refuse_dead_letters()
        self._show_rows()

    @property
    def _secret_id(self) -> str:
        return str(self._outputs["database_secret_arn"])

    def _show_objects(self, s3: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401
        for about in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            found = s3.get_object(Bucket=bucket, Key=about["Key"])
            print(f"\ns3://{bucket}/{about['Key']}, encrypted with {found['ServerSideEncryption']}")
            if prefix == "processed/":
                print(summary_in_short(json.loads(found["Body"].read())))

    def _refuse_dead_letters(self) -> None:
        sqs, url = self._emulator.client("sqs"), self._outputs["dead_letter_queue_url"]
        try:
            name = "ApproximateNumberOfMessages"
            answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
            count = int(answer["Attributes"][name])
        except ClientError as error:
            raise ToolError(f"dead letters: {error}") from error
        if count:
            raise ToolError(
                f"dead letters: {count} messages could not be processed; why is in {self._log_path}"
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


def summary_in_short(summary: dict[str, Any]) -> str:
    """A summary that the function wrote, for reading."""
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
