"""Views of the database, and the examples of docs/queries.md."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from database import Database
from report_model import CaseResult
from report_parser import open_report
from run_metadata import RunMetadata
from store import RunKey, Store
from tests.support.function_database import StubSecretsClient, count, database_settings, drop_schema
from tools.postgres import PostgresServer

DOCUMENT = (Path(__file__).parents[2] / "docs" / "queries.md").read_text(encoding="utf-8")
UPLOADS = re.findall(r"```jsonl\n(.*?)```", DOCUMENT, re.DOTALL)
EXAMPLES = re.findall(
    r"^## ([^\n]+)\n[^#]*?```sql\n([^`]*?)```\n\n\|[^\n]+\n\|[-|]+\n((?:\|[^\n]+\n)+)",
    DOCUMENT,
    re.DOTALL | re.MULTILINE,
)
STORED_AT = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


@pytest.fixture
def server(postgres: PostgresServer) -> PostgresServer:
    drop_schema(postgres)
    return postgres


@pytest.fixture
def store(server: PostgresServer) -> Iterator[Store]:
    database = Database(database_settings(server), StubSecretsClient(server))
    yield Store(database)
    database.close()


class Runs:
    """Stores one run per hour, with cases given as name=outcome[+reruns]."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.number = 0

    def add(self, *, hour: int | None = None, values: dict[str, str], **cases: str) -> None:
        self.number += 1
        metadata = RunMetadata.from_object_metadata(values)
        metadata.started_at = STORED_AT + timedelta(hours=self.number if hour is None else hour)
        batch = []
        for name, text in cases.items():
            outcome, _, reruns = text.partition("+")
            batch.append(
                CaseResult("s", "c", name, outcome, 1.0, "", int(reruns or 0))  # type: ignore[arg-type]
            )
        key = RunKey("b", f"k{self.number}", "v")
        assert self.store.save(
            key, [batch], stored_at=STORED_AT, format_="csv", get_metadata=lambda: metadata
        )


@pytest.fixture
def runs(store: Store) -> Runs:
    return Runs(store)


@pytest.fixture
def documented(store: Store) -> None:
    for number, upload in enumerate(UPLOADS):
        report = open_report(io.BytesIO(upload.encode()))
        store.save(
            RunKey("b", f"upload-{number}", "v"),
            report.batches(),
            stored_at=STORED_AT,
            format_=report.format,
            get_metadata=functools.partial(getattr, report, "metadata"),
        )


def test_document_has_an_example_for_each_view() -> None:
    views = re.findall(r"CREATE VIEW (\S+)", "".join(sql.read_text() for sql in sql_files()))
    assert len(UPLOADS) == 3
    assert sorted(re.findall(r"FROM (results\.\w+)", "".join(sql for _, sql, _ in EXAMPLES))) == (
        sorted(views)
    )


def sql_files() -> Iterator[Path]:
    yield from (Path(__file__).parents[2] / "lambda" / "sql").glob("*.sql")


@pytest.mark.usefixtures("documented")
@pytest.mark.parametrize(("title", "sql", "table"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_documented_results_match_the_database(
    title: str, sql: str, table: str, server: PostgresServer
) -> None:
    expected = [
        tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.splitlines()
    ]
    assert server.query(sql) == expected


@pytest.mark.usefixtures("documented")
def test_documented_deletion_removes_runs_with_their_cases(server: PostgresServer) -> None:
    (sql,) = re.findall(r"```sql\n(WITH deleted.*?)```", DOCUMENT, re.DOTALL)
    server.query(sql)
    assert count(server, "runs", "suites", "cases") == (2, 4, 6)


def failures(server: PostgresServer) -> Any:
    return server.query("SELECT run_id, name FROM results.new_failures ORDER BY run_id, name")


def test_failure_is_new_after_a_passed_run_only(server: PostgresServer, runs: Runs) -> None:
    for outcome in ("failed", "error", "passed", "failed", "skipped", "failed"):
        runs.add(values={"branch": "main"}, a=outcome)
    assert failures(server) == [("1", "a"), ("4", "a")]


def test_failures_are_compared_per_branch(server: PostgresServer, runs: Runs) -> None:
    runs.add(values={"branch": "main"}, a="failed")
    runs.add(values={"branch": "other"}, a="failed")
    runs.add(values={}, a="failed")
    runs.add(values={}, a="failed")
    assert failures(server) == [("1", "a"), ("2", "a"), ("3", "a")]


def test_failures_are_compared_with_the_last_run_of_the_test(
    server: PostgresServer, runs: Runs
) -> None:
    runs.add(values={}, a="failed")
    runs.add(values={}, b="passed")
    runs.add(values={}, a="failed", b="failed")
    assert failures(server) == [("1", "a"), ("3", "b")]


def test_runs_are_compared_in_order_of_start_time(server: PostgresServer, runs: Runs) -> None:
    runs.add(hour=2, values={}, a="failed")
    runs.add(hour=1, values={}, a="failed")
    assert failures(server) == [("2", "a")]


def test_flaky_tests_within_and_between_runs_are_listed(server: PostgresServer, runs: Runs) -> None:
    runs.add(
        values={"commit": "c1"}, a="passed+1", b="passed", c="failed", d="passed", e="failed+2"
    )
    runs.add(values={"commit": "c1"}, b="error", c="failed", d="passed")
    runs.add(values={"commit": "c2"}, c="passed", d="failed")
    runs.add(values={}, d="failed")
    assert server.query(
        "SELECT commit, name, passed, failed, passed_after_rerun FROM results.flaky_tests"
        " ORDER BY name"
    ) == [("c1", "a", "1", "0", "1"), ("c1", "b", "1", "1", "0")]


def test_suite_of_skipped_cases_has_no_pass_rate(server: PostgresServer, runs: Runs) -> None:
    runs.add(values={}, a="skipped")
    assert server.query(
        "SELECT cases, pass_rate IS NULL FROM results.pass_rate_by_suite_and_day"
    ) == [("1", "t")]


def test_slowest_tests_exclude_skipped_cases(server: PostgresServer, runs: Runs) -> None:
    runs.add(values={}, a="passed", b="skipped")
    runs.add(values={}, a="failed")
    assert server.query("SELECT name, times, mean_seconds FROM results.slowest_tests") == [
        ("a", "2", "1")
    ]


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("SELECT * FROM results.pass_rate_by_suite_and_day WHERE day = '2026-11-21'", "by_day"),
        ("SELECT * FROM results.slowest_tests WHERE day = '2026-11-21'", "runs_by_day"),
        ("SELECT * FROM results.flaky_tests WHERE commit = 'c1'", "runs_by_commit"),
        ("SELECT * FROM results.new_failures WHERE run_id = 1", "failures_by_run"),
        ("SELECT * FROM results.new_failures WHERE run_id = 1", "cases_by_test"),
    ],
)
def test_conditions_on_views_use_the_indexes(
    sql: str, index: str, server: PostgresServer, runs: Runs
) -> None:
    runs.add(values={"commit": "c1"}, a="failed")
    plan = server.query(f"SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN {sql}")
    assert any(index in line for (line,) in plan), plan
