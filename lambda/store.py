"""Stores a run and its cases in one transaction, once per version of an object."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from database import Database
from migrations import Connection
from report_model import CaseResult
from run_metadata import RunMetadata

# Maximum number of rows in one COPY. The server reports an error at the end of a COPY.
_ROWS_PER_COPY = 50_000
# Fraction of the statement timeout after which a COPY ends and the next one begins: a COPY takes
# as long as its rows are read from S3, so that a slow download would exceed the timeout.
_COPY_TIMEOUT_FRACTION = 1 / 4
_COPY = (
    "COPY results.cases"
    " (run_id, position, outcome, reruns, duration_seconds, suite, classname, name, message)"
    " FROM STDIN"
)
_NULL = "\\N"
# Waits for the transaction of another function that inserts the same run.
_INSERT_RUN = """
INSERT INTO results.runs (bucket, object_key, object_version, started_at)
VALUES (:bucket, :object_key, :object_version, cast(:stored_at AS timestamptz))
ON CONFLICT DO NOTHING RETURNING id
"""
_INSERT_SUITES = """
INSERT INTO results.suites
SELECT
    run_id, row_number() OVER (ORDER BY min(position)), suite, count(*),
    count(*) FILTER (WHERE outcome = 'passed'),
    count(*) FILTER (WHERE outcome = 'failed'),
    count(*) FILTER (WHERE outcome = 'error'),
    count(*) FILTER (WHERE outcome = 'skipped'),
    count(*) FILTER (WHERE outcome = 'passed' AND reruns > 0),
    coalesce(sum(duration_seconds), 0)
FROM results.cases WHERE run_id = cast(:run_id AS bigint) GROUP BY run_id, suite
"""
_UPDATE_RUN = """
UPDATE results.runs SET
    format = :format, commit = :commit, branch = :branch, labels = cast(:labels AS jsonb),
    started_at = coalesce(cast(:started_at AS timestamptz), started_at),
    cases = t.cases, passed = t.passed, failed = t.failed, error = t.error, skipped = t.skipped,
    flaky = t.flaky, duration_seconds = t.duration_seconds
FROM (
    SELECT
        coalesce(sum(cases), 0) AS cases, coalesce(sum(passed), 0) AS passed,
        coalesce(sum(failed), 0) AS failed, coalesce(sum(error), 0) AS error,
        coalesce(sum(skipped), 0) AS skipped, coalesce(sum(flaky), 0) AS flaky,
        coalesce(sum(duration_seconds), 0) AS duration_seconds
    FROM results.suites WHERE run_id = cast(:run_id AS bigint)
) t
WHERE id = cast(:run_id AS bigint)
"""


class RunKey(NamedTuple):
    """Version of an object; identifies a run."""

    bucket: str
    object_key: str
    object_version: str
    """The version id; the entity tag where versioning is not enabled."""


class Store:
    """Inserts runs into the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        key: RunKey,
        batches: Iterable[list[CaseResult]],
        *,
        stored_at: datetime,
        format_: str,
        get_metadata: Callable[[], RunMetadata],
    ) -> bool:
        """Insert a run with its cases; return False without reading a case if the run exists.

        Rows are sent while the cases are read; `get_metadata` is called after the last case.
        After an error of `batches` or of the database, which is not caught, nothing is inserted.
        `stored_at` is the time at which the object was stored, and the start time of a run
        whose metadata contains none.
        """
        connection = self._database.begin_transaction()
        try:
            inserted = self._insert(connection, key, batches, stored_at, format_, get_metadata)
            connection.run("COMMIT")
        except BaseException:
            # An incomplete COPY can be cancelled only by closing the connection.
            self._database.close()
            raise
        return inserted

    def _insert(
        self,
        connection: Connection,
        key: RunKey,
        batches: Iterable[list[CaseResult]],
        stored_at: datetime,
        format_: str,
        get_metadata: Callable[[], RunMetadata],
    ) -> bool:
        rows = connection.run(_INSERT_RUN, **key._asdict(), stored_at=stored_at.isoformat())
        if not rows:
            return False
        run_id: int = rows[0][0]
        seconds = self._database.statement_timeout_seconds * _COPY_TIMEOUT_FRACTION
        for stream in _copy_streams(batches, run_id, seconds):
            connection.run(_COPY, stream=stream)
        connection.run(_INSERT_SUITES, run_id=run_id)
        metadata = get_metadata()
        connection.run(
            _UPDATE_RUN,
            run_id=run_id,
            format=format_,
            commit=metadata.commit,
            branch=metadata.branch,
            labels=json.dumps(metadata.labels),
            started_at=metadata.started_at and metadata.started_at.isoformat(),
        )
        return True


def _copy_streams(
    batches: Iterable[list[CaseResult]], run_id: int, seconds: float
) -> Iterator[Iterator[bytes]]:
    """Yield one stream of rows per COPY; each must be read completely before the next."""
    source = iter(batches)
    position = 1

    def stream(batch: list[CaseResult]) -> Iterator[bytes]:
        nonlocal position
        end, deadline = position + _ROWS_PER_COPY, time.monotonic() + seconds
        while True:
            yield format_copy_rows(run_id, position, batch)
            position += len(batch)
            if position >= end or time.monotonic() > deadline:
                return
            following = next(source, None)
            if following is None:
                return
            batch = following

    for first in source:
        yield stream(first)


def format_copy_rows(run_id: int, position: int, batch: list[CaseResult]) -> bytes:
    """Return the cases in the text format of COPY, numbered from `position`.

    Characters that PostgreSQL cannot store are replaced: NUL by U+FFFD, an unpaired surrogate
    by `?`.
    """
    texts = [(case.suite, case.classname, case.name, case.message) for case in batch]
    flat = "\0".join(chain.from_iterable(texts))
    if flat.count("\0") >= 4 * len(batch):
        flat = "\0".join(text.replace("\0", "\ufffd") for text in chain.from_iterable(texts))
    # Escapes all texts at once: a call per text would take longer than reading the report.
    flat = flat.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    escaped = iter(flat.split("\0"))
    rows = [
        f"{run_id}\t{number}\t{case.outcome}\t{case.reruns}\t"
        f"{_NULL if case.duration_seconds is None else case.duration_seconds}"
        f"\t{suite}\t{classname}\t{name}\t{message}\n"
        for number, (case, suite, classname, name, message) in enumerate(
            zip(batch, escaped, escaped, escaped, escaped, strict=True), position
        )
    ]
    return "".join(rows).encode("utf-8", "replace")
