"""Measures the data path: `tap bench data [--sizes N,...] [--formats F,...] [--runs N]`.

Two implementations run alternately, in reversed order every other time: the handler as on Lambda
(from an object in S3 to rows in PostgreSQL, including the summary), and the straightforward
implementation in `data_plain`. Both read from the emulated S3 and write over TLS to the same
PostgreSQL server on this machine, into the same table with the same indexes, which is emptied
before each run. Each run starts a process; imports, the first connection and the cold start are
not measured.

The Markdown tables contain cases per second of wall time (median, with the range in brackets), the
peak resident memory of the process including imports, and the CPU time of the function and of the
database. The latter requires Linux.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from lib.compute.packaging import PROJECT, package_function
from tools.bench.generated_report import WRITERS
from tools.command import ToolCommand
from tools.emulator import Emulator
from tools.errors import ToolError
from tools.local.function import FunctionProcess, LocalFunction
from tools.postgres import PostgresServer

PLAIN = PROJECT / ".tools" / "bench-data"
JUNITPARSER = "junitparser==5.0.3"
REQUIREMENTS = PROJECT / "lambda" / "requirements.txt"
SIZES = (10_000, 100_000, 1_000_000)
BUCKET, FUNCTION = "bench-data", "bench-data"
# The role has all permissions: authorization is tested elsewhere and does not affect the time.
_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_EMPTY = "TRUNCATE results.runs, results.suites, results.cases"
_WAYS = ("function", "plain")


class Cost(NamedTuple):
    """Time and memory of one run; the database's CPU is measured for the function only."""

    seconds: float
    peak_memory_mib: float
    cpu_seconds: float
    database_cpu_seconds: float = 0.0


class Benchmark:
    """An emulated S3 with the function, a database, and both implementations."""

    def __init__(self, emulator: Emulator, database: PostgresServer) -> None:
        self._emulator = emulator
        self._database = database
        self._s3 = emulator.client("s3")
        self._plain_python = _plain_python()
        self._deploy()
        self._local = LocalFunction(
            emulator, FUNCTION, overrides={"DATABASE_CA_BUNDLE": str(database.ca_bundle)}
        )
        self._upload("warm-up.xml", "junit-xml", 10)
        with self._local.process() as process:
            self._invoke(process, "warm-up.xml")  # creates the schema

    def upload(self, format_: str, count: int) -> str:
        """Upload a report with `count` cases; returns its name."""
        name = f"{format_}-{count}"
        self._upload(name, format_, count)
        return name

    def size(self, name: str) -> int:
        """The size of an uploaded report in bytes."""
        return int(self._s3.head_object(Bucket=BUCKET, Key=f"incoming/{name}")["ContentLength"])

    def delete(self, name: str) -> None:
        """Delete an uploaded report."""
        self._s3.delete_object(Bucket=BUCKET, Key=f"incoming/{name}")

    def run(self, way: str, name: str, format_: str, count: int) -> Cost:
        """Process a report into empty tables; raises RuntimeError if a row is missing."""
        self._database.query(_EMPTY)
        self._database.query("CHECKPOINT")
        cost = self._function(name) if way == "function" else self._plain(name, format_)
        ((stored,),) = self._database.query("SELECT count(*) FROM results.cases")
        if int(stored) != count:
            raise RuntimeError(f"{way}: {stored} cases of {name} are in the database")
        return cost

    def _function(self, name: str) -> Cost:
        with self._local.process() as process:
            self._invoke(process, "warm-up.xml")
            self._database.query(_EMPTY)
            pid = process.pid
            cpu, servers = _cpu_seconds(pid), self._database_cpu()
            started = time.perf_counter()
            peak = self._invoke(process, name)
            seconds = time.perf_counter() - started
            return Cost(
                seconds, peak, _cpu_seconds(pid) - cpu, max(0, self._database_cpu() - servers)
            )

    def _plain(self, name: str, format_: str) -> Cost:
        key = f"incoming/{name}"
        request = {
            "url": self._s3.generate_presigned_url(
                "get_object", Params={"Bucket": BUCKET, "Key": key}
            ),
            "format": format_,
            "connection": self._database.secret(),
            "ca_bundle": str(self._database.ca_bundle),
        }
        done = subprocess.run(
            [self._plain_python, "-m", "tools.bench.data_plain"],
            cwd=PROJECT,
            input=json.dumps(request),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        measured = json.loads(done.stdout)
        return Cost(measured["seconds"], measured["peak_memory_mib"], measured["cpu_seconds"])

    def _invoke(self, process: FunctionProcess, name: str) -> float:
        entry = {"bucket": {"name": BUCKET}, "object": {"key": f"incoming/{name}"}}
        notification = {"Records": [{"eventName": "ObjectCreated:Put", "s3": entry}]}
        record = {
            "messageId": name,
            "body": json.dumps(notification),
            "eventSource": "aws:sqs",
            "attributes": {},
        }
        invocation = process.invoke({"Records": [record]})
        if invocation.result != {"batchItemFailures": []}:
            raise RuntimeError(f"{name} failed:\n{self._local.log()[-2000:]}")
        return invocation.peak_memory_mib

    def _upload(self, name: str, format_: str, count: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, name)
            with file.open("w", encoding="utf-8", newline="") as text:
                WRITERS[format_](text, count)
            self._s3.upload_file(str(file), BUCKET, f"incoming/{name}")

    def _database_cpu(self) -> float:
        return sum(_cpu_seconds(pid) for pid in self._database.processes())

    def _deploy(self) -> None:
        """Create the resources that the handler requires."""
        iam, secrets = self._emulator.client("iam"), self._emulator.client("secretsmanager")
        role = iam.create_role(
            RoleName=FUNCTION,
            AssumeRolePolicyDocument=_policy({**_TRUST, "Action": "sts:AssumeRole"}),
        )["Role"]["Arn"]
        iam.put_role_policy(RoleName=FUNCTION, PolicyName="all", PolicyDocument=_policy(_ALL))
        self._s3.create_bucket(Bucket=BUCKET)
        key = self._emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
        secret = secrets.create_secret(
            Name=FUNCTION, SecretString=json.dumps(self._database.secret())
        )
        with tempfile.TemporaryDirectory() as folder:
            package = package_function(PROJECT / "lambda", Path(folder)).path.read_bytes()
        self._emulator.client("lambda").create_function(
            FunctionName=FUNCTION,
            Runtime="python3.11",
            Role=role,
            Handler="data_processor.handler",
            Code={"ZipFile": package},
            Timeout=900,
            MemorySize=512,
            Environment={
                "Variables": {
                    "DATA_BUCKET": BUCKET,
                    "KMS_KEY_ARN": key,
                    "DATABASE_SECRET_ARN": secret["ARN"],
                }
            },
        )


@click.command(cls=ToolCommand)
@click.option(
    "--sizes", default=",".join(map(str, SIZES)), show_default=True, help="Cases in a report."
)
@click.option("--formats", default=",".join(WRITERS), show_default=True, help="Report formats.")
@click.option(
    "--runs",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Pairs of runs of each size below a million.",
)
def command(sizes: str, formats: str, runs: int) -> None:
    """Measure cases a second and memory of the data path; print Markdown tables."""
    counts, names = _counts(sizes), formats.split(",")
    if unknown := set(names) - set(WRITERS):
        raise ToolError(
            f"--formats: received {unknown.pop()!r}; accepted: {', '.join(WRITERS)}."
            " Correct the name."
        )
    costs: dict[tuple[str, int, str], list[Cost]] = defaultdict(list)
    bytes_of: dict[tuple[str, int], int] = {}
    with Emulator() as emulator, PostgresServer() as database:
        bench = Benchmark(emulator, database)
        for format_ in names:
            for count in counts:
                name = bench.upload(format_, count)
                bytes_of[format_, count] = bench.size(name)
                # One run of the largest size is sufficient.
                for number in range(runs if count < SIZES[-1] else 1):
                    for way in reversed(_WAYS) if number % 2 else _WAYS:
                        cost = bench.run(way, name, format_, count)
                        measured = f"{cost.seconds:.1f} s, {cost.peak_memory_mib:.0f} MiB"
                        print(f"{format_} {count} {way}: {measured}", file=sys.stderr, flush=True)
                        costs[format_, count, way].append(cost)
                bench.delete(name)
    print("\n".join(report(costs, bytes_of)))


def report(
    costs: dict[tuple[str, int, str], list[Cost]], sizes: dict[tuple[str, int], int]
) -> Iterator[str]:
    """The lines of the tables: both implementations, then the CPU time of the function."""
    yield "| format | cases | cases/s | straightforward | times | memory, MiB | straightforward |"
    yield "|---|---|---|---|---|---|---|"
    for format_, count in sizes:
        ours, plain = (costs[format_, count, way] for way in _WAYS)
        times = [two.seconds / one.seconds for one, two in zip(ours, plain, strict=True)]
        cells = [
            *(format_, f"{count:,}"),
            *(_spread([count / one.seconds for one in way]) for way in (ours, plain)),
            _spread(times, 1),
            *(f"{max(one.peak_memory_mib for one in way):,.0f}" for way in (ours, plain)),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    # Function and database run at the same time, so the shares can exceed 100 % in total.
    yield "| format | cases | MB | wall, s | the function's CPU | the database's CPU |"
    yield "|---|---|---|---|---|---|"
    for (format_, count), size in sizes.items():
        ours = costs[format_, count, "function"]
        function = statistics.median(one.cpu_seconds / one.seconds for one in ours)
        database = statistics.median(one.database_cpu_seconds / one.seconds for one in ours)
        wall = statistics.median(one.seconds for one in ours)
        shares = f"{function:.0%} | {database:.0%}"
        yield f"| {format_} | {count:,} | {size / 1e6:.1f} | {wall:.2f} | {shares} |"


def _spread(values: Sequence[float], digits: int = 0) -> str:
    middle = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def _counts(sizes: str) -> list[int]:
    if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", sizes):
        raise ToolError(
            f"--sizes: received {sizes!r}; accepted: numbers of cases, separated by commas."
            " Correct them."
        )
    return [int(size) for size in sizes.split(",")]


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process so far; 0 if it has ended or the system has no /proc."""
    with contextlib.suppress(OSError):
        # The name, in brackets, can contain spaces.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _plain_python() -> str:
    """The interpreter of the straightforward implementation; creates its environment if missing."""
    driver = re.search(r"^pg8000==\S+", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    required = [JUNITPARSER, driver[0] if driver else "pg8000"]
    python, stamp = PLAIN / "bin" / "python", PLAIN / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8").split() == required:
        return str(python)
    print(f"creating {PLAIN.relative_to(PROJECT)} ({', '.join(required)})", file=sys.stderr)
    shutil.rmtree(PLAIN, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(PLAIN)],
        [str(python), "-m", "pip", "install", "--quiet", *required],
    ):
        subprocess.run(command, check=True, capture_output=True, text=True)
    stamp.write_text("\n".join(required), encoding="utf-8")
    return str(python)
