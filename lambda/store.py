"""Rows of a run: all of them in one transaction, once for each version of an object."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from database import Database
from migrations import Connection
from report_model import CaseResult
from run_facts import RunFacts

# Rows in one COPY: an error of the database shows after so many.
_ROWS_A_COPY = 50_000
# The share of the statement's timeout after which a COPY is ended and another begun: it lasts as
# long as reading its rows does, and a slow source is no fault of the database.
_SHARE_A_COPY = 1 / 4
_COPY = (
    "COPY results.cases"
    " (run_id, position, outcome, reruns, duration_seconds, suite, classname, name, message)"
    " FROM STDIN"
)
_NULL = "\\N"
# The second of two functions with the same object waits here until the first is done.
_BEGIN_RUN = """
INSERT INTO results.runs (bucket, object_key, object_version, started_at)
VALUES (:bucket, :object_key, :object_version, cast(:stored_at AS timestamptz))
ON CONFLICT DO NOTHING RETURNING id
"""
_ADD_UP_SUITES = """
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
_FINISH_RUN = """
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
    """The version of an object that a run came in by."""

    bucket: str
    object_key: str
    object_version: str
    """The version id; the entity tag where the bucket keeps no versions."""


class Store:
    """Writes runs to the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        key: RunKey,
        batches: Iterable[list[CaseResult]],
        *,
        stored_at: datetime,
        format_: str,
        facts: Callable[[], RunFacts],
    ) -> bool:
        """Write a run with its cases; False where it is there already, with no case read.

        The cases are written as they are read; `facts` is asked after the last one. Whatever
        error `batches` or the database raises passes through, and nothing is written then.
        `stored_at` is when the object was stored: when the run began, unless its facts say.
        """
        connection = self._database.begin()
        try:
            saved = self._saved(connection, key, batches, stored_at, format_, facts)
            connection.run("COMMIT")
        except BaseException:
            # A COPY that is not at its end can only be ended with its connection.
            self._database.drop()
            raise
        return saved

    def _saved(
        self,
        connection: Connection,
        key: RunKey,
        batches: Iterable[list[CaseResult]],
        stored_at: datetime,
        format_: str,
        facts: Callable[[], RunFacts],
    ) -> bool:
        rows = connection.run(_BEGIN_RUN, **key._asdict(), stored_at=stored_at.isoformat())
        if not rows:
            return False
        run_id: int = rows[0][0]
        seconds = self._database.statement_timeout_seconds * _SHARE_A_COPY
        for stream in _streams(batches, run_id, seconds):
            connection.run(_COPY, stream=stream)
        connection.run(_ADD_UP_SUITES, run_id=run_id)
        told = facts()
        connection.run(
            _FINISH_RUN,
            run_id=run_id,
            format=format_,
            commit=told.commit,
            branch=told.branch,
            labels=json.dumps(told.labels),
            started_at=told.started_at and told.started_at.isoformat(),
        )
        return True


def _streams(
    batches: Iterable[list[CaseResult]], run_id: int, seconds: float
) -> Iterator[Iterator[bytes]]:
    """The rows as streams for one COPY each; each is read to its end before the next one."""
    source = iter(batches)
    position = 1

    def stream(batch: list[CaseResult]) -> Iterator[bytes]:
        nonlocal position
        last, until = position + _ROWS_A_COPY, time.monotonic() + seconds
        while True:
            yield copy_rows(run_id, position, batch)
            position += len(batch)
            if position >= last or time.monotonic() > until:
                return
            following = next(source, None)
            if following is None:
                return
            batch = following

    for first in source:
        yield stream(first)


def copy_rows(run_id: int, position: int, batch: list[CaseResult]) -> bytes:
    """The cases in PostgreSQL's text format for COPY, numbered from `position`.

    What no text in PostgreSQL can hold is replaced: NUL by U+FFFD, half a surrogate pair by `?`.
    """
    texts = [(case.suite, case.classname, case.name, case.message) for case in batch]
    flat = "\0".join(chain.from_iterable(texts))
    if flat.count("\0") >= 4 * len(batch):
        flat = "\0".join(text.replace("\0", "\ufffd") for text in chain.from_iterable(texts))
    # All texts at once: a call for each would take longer than reading the report.
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
