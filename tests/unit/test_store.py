"""Rows in a PostgreSQL server: complete, and stored once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pg8000.exceptions import DatabaseError

import database as database_module
import store as store_module
from database import DATABASE_ERRORS, Database
from report_model import CaseResult, ReportError
from run_metadata import RunMetadata
from store import RunKey, Store, format_copy_rows
from tests.support.function_database import (
    StubSecretsClient,
    batches,
    count,
    database_settings,
    drop_schema,
)
from tools.postgres import PostgresServer

KEY = RunKey("data-dev", "incoming/a", "v1")
STORED_AT = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
CASES = [
    CaseResult("s", "c", "passes", "passed", 1.5, "", 0),
    CaseResult("s", "c", "flaky", "passed", None, "", 2),
    CaseResult("s", "", "fails", "failed", 0.0, "a\tb\nc\\N\r\\.", 0),
    CaseResult("t", "", "errors", "error", 1e-07, "", 0),
    CaseResult("t", "", "skips", "skipped", None, "", 0),
]


@pytest.fixture
def server(postgres: PostgresServer) -> PostgresServer:
    drop_schema(postgres)
    return postgres


@pytest.fixture
def new_store(server: PostgresServer) -> Iterator[Callable[..., Store]]:
    """Return a function that creates stores with separate connections."""
    made: list[Database] = []

    def make(**timeouts: Any) -> Store:
        made.append(Database(database_settings(server, **timeouts), StubSecretsClient(server)))
        return Store(made[-1])

    yield make
    for database in made:
        database.close()


def save(
    store: Store, cases: Any = CASES, key: RunKey = KEY, metadata: RunMetadata | None = None
) -> bool:
    source = batches(cases, 2) if isinstance(cases, list) else cases
    return store.save(
        key,
        source,
        stored_at=STORED_AT,
        format_="csv",
        get_metadata=lambda: metadata or RunMetadata(),
    )


def test_every_field_of_a_case_is_stored(server: PostgresServer, new_store: Any) -> None:
    assert save(new_store())
    rows = server.query(
        "SELECT position, suite, classname, name, outcome, duration_seconds,"
        " encode(convert_to(message, 'UTF8'), 'hex'), reruns"
        " FROM results.cases ORDER BY position"
    )
    assert [
        CaseResult(
            suite,
            classname,
            name,
            outcome,  # type: ignore[arg-type]
            float(seconds) if seconds else None,
            bytes.fromhex(message).decode(),
            int(reruns),
        )
        for _, suite, classname, name, outcome, seconds, message, reruns in rows
    ] == CASES
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]


def test_totals_of_run_and_suites_are_stored(server: PostgresServer, new_store: Any) -> None:
    metadata = RunMetadata.from_object_metadata(
        {"commit": "c1", "branch": "it's", "label-team": 'a "b"'}
    )
    metadata.add_start_time("2026-11-20T23:30:00-02:00")
    save(new_store(), metadata=metadata)
    columns = "cases, passed, failed, error, skipped, flaky, duration_seconds"
    assert server.query(
        "SELECT bucket, object_key, object_version, format, commit, branch, labels ->> 'team',"
        f" started_at = '2026-11-21T01:30:00Z', day, {columns} FROM results.runs"
    ) == [
        (
            *("data-dev", "incoming/a", "v1", "csv", "c1", "it's", 'a "b"', "t", "2026-11-21"),
            *("5", "2", "1", "1", "1", "1", "1.5000001"),
        )
    ]
    assert server.query(
        f"SELECT position, suite, {columns} FROM results.suites ORDER BY position"
    ) == [
        ("1", "s", "3", "2", "1", "0", "0", "1", "1.5"),
        ("2", "t", "2", "0", "0", "1", "1", "0", "1e-07"),
    ]


def test_start_time_defaults_to_storage_time(server: PostgresServer, new_store: Any) -> None:
    save(new_store())
    assert server.query(
        "SELECT started_at = '2026-11-21T07:00:00Z', commit IS NULL, labels FROM results.runs"
    ) == [("t", "t", "{}")]


def test_report_without_cases_is_stored_as_a_run(server: PostgresServer, new_store: Any) -> None:
    assert save(new_store(), [])
    assert count(server, "runs", "suites", "cases") == (1, 0, 0)


def test_stored_run_is_neither_read_nor_inserted_again(
    server: PostgresServer, new_store: Any
) -> None:
    def must_not_be_read() -> Iterator[list[CaseResult]]:
        raise AssertionError("read")
        yield []

    store = new_store()
    assert save(store)
    for again in (store, new_store()):
        assert not save(again, must_not_be_read())
    assert count(server, "runs", "cases") == (1, 5)


@pytest.mark.parametrize(
    "other",
    [KEY._replace(bucket="b"), KEY._replace(object_key="k"), KEY._replace(object_version="v")],
)
def test_each_bucket_key_and_version_is_a_run(
    other: RunKey, server: PostgresServer, new_store: Any
) -> None:
    store = new_store()
    assert save(store)
    assert save(store, key=other)
    assert count(server, "runs", "cases") == (2, 10)


def test_concurrent_saves_insert_the_run_once(server: PostgresServer, new_store: Any) -> None:
    barrier, stores = threading.Barrier(4), [new_store() for _ in range(4)]
    answers: list[bool] = []

    def slowly() -> Iterator[list[CaseResult]]:
        for batch in batches(CASES, 1):
            threading.Event().wait(0.1)
            yield batch

    def work(store: Store) -> None:
        barrier.wait()
        answers.append(save(store, slowly()))

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]
    assert count(server, "runs", "suites", "cases") == (1, 2, 5)


def test_waiting_save_inserts_the_run_if_the_first_fails(
    server: PostgresServer, new_store: Any
) -> None:
    first, second = new_store(), new_store()
    waiting, answers = threading.Event(), []

    def failing() -> Iterator[list[CaseResult]]:
        yield CASES[:2]
        waiting.set()
        threading.Event().wait(0.3)
        raise ReportError("invalid")

    def work() -> None:
        waiting.wait()
        answers.append(save(second))

    thread = threading.Thread(target=work)
    thread.start()
    with pytest.raises(ReportError):
        save(first, failing())
    thread.join()
    assert answers == [True]
    assert count(server, "runs", "cases") == (1, 5)


def test_waiting_save_fails_after_the_lock_timeout(server: PostgresServer, new_store: Any) -> None:
    waiting_store = new_store(lock_timeout_seconds=1)

    def meanwhile() -> Iterator[list[CaseResult]]:
        with pytest.raises(DatabaseError, match="55P03"):
            save(waiting_store)
        yield CASES

    assert save(new_store(), meanwhile())
    assert not save(waiting_store)
    assert count(server, "runs", "cases") == (1, 5)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_invalid_record_rolls_back_the_run(
    after: int, server: PostgresServer, new_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_ROWS_PER_COPY", 2)

    def invalid() -> Iterator[list[CaseResult]]:
        yield from ([case] for case in CASES[:after])
        raise ReportError("invalid")

    store = new_store()
    with pytest.raises(ReportError, match="invalid"):
        save(store, invalid())
    assert count(server, "runs", "suites", "cases") == (0, 0, 0)
    assert save(store)
    assert count(server, "runs", "suites", "cases") == (1, 2, 5)


def test_database_error_rolls_back_the_run(server: PostgresServer, new_store: Any) -> None:
    store = new_store()
    wrong = CASES[0]._replace(outcome="maybe")  # type: ignore[arg-type]
    with pytest.raises(DatabaseError, match="22P02"):
        save(store, [*CASES, wrong])
    assert count(server, "runs", "cases") == (0, 0)
    assert save(store)


def test_positions_are_continuous_across_several_copies(
    server: PostgresServer, new_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_ROWS_PER_COPY", 10)
    cases = [CASES[0]._replace(name=f"n{number}") for number in range(95)]
    save(new_store(), batches(cases, 3))
    assert server.query(
        "SELECT count(*), min(position), max(position), count(DISTINCT position) FROM results.cases"
    ) == [("95", "1", "95", "95")]


def test_store_reconnects_after_a_restart_between_reports(
    server: PostgresServer, new_store: Any
) -> None:
    store = new_store()
    save(store)
    server.disconnect()
    assert save(store, key=KEY._replace(object_key="k2"))
    server.stop(crash=True)
    with pytest.raises(OSError, match="refused"):
        save(store, key=KEY._replace(object_key="k3"))
    server.start()
    assert save(store, key=KEY._replace(object_key="k3"))
    assert count(server, "runs", "cases") == (3, 15)


def test_connection_lost_during_copy_rolls_back_the_run(
    server: PostgresServer, new_store: Any
) -> None:
    def cut() -> Iterator[list[CaseResult]]:
        yield CASES
        server.disconnect()
        yield CASES

    store = new_store()
    with pytest.raises(DATABASE_ERRORS):
        save(store, cut())
    assert count(server, "runs", "cases") == (0, 0)
    assert save(store)


def test_unresponsive_server_costs_one_socket_timeout(
    server: PostgresServer, new_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The send buffer is full, so that closing the connection blocks until its timeout."""
    monkeypatch.setattr(database_module, "_SOCKET_TIMEOUT_MARGIN_SECONDS", 0)
    store = new_store(statement_timeout_seconds=4)
    connection = store._database.begin_transaction()
    pid = (connection.run("SELECT pg_backend_pid()") or [[0]])[0][0]
    connection.run("ROLLBACK")
    large = [CASES[0]._replace(message="x" * 1_000_000)]

    def stalled() -> Iterator[list[CaseResult]]:
        yield CASES
        os.kill(pid, signal.SIGSTOP)
        for _ in range(200):
            yield large

    started = time.monotonic()
    try:
        with pytest.raises(DATABASE_ERRORS):
            save(store, stalled())
        assert time.monotonic() - started < 6.5
    finally:
        os.kill(pid, signal.SIGCONT)
    assert count(server, "runs", "cases") == (0, 0)


def test_slow_source_does_not_exceed_the_statement_timeout(
    server: PostgresServer, new_store: Any
) -> None:
    def slowly() -> Iterator[list[CaseResult]]:
        for batch in batches(CASES * 2, 1):
            threading.Event().wait(0.2)
            yield batch

    assert save(new_store(statement_timeout_seconds=1), slowly())
    assert server.query("SELECT count(*), max(position) FROM results.cases") == [("10", "10")]


def test_client_encoding_of_the_user_is_overridden(server: PostgresServer, new_store: Any) -> None:
    server.query(f"ALTER ROLE {server.user} SET client_encoding = 'LATIN1'")
    try:
        save(new_store(), [CASES[0]._replace(name="Grüße")])
    finally:
        server.query(f"ALTER ROLE {server.user} RESET client_encoding")
    assert server.query("SELECT name FROM results.cases") == [("Grüße",)]


@pytest.mark.parametrize("name", ["x" * 2_000, "\U0001f600" * 2_000])
def test_longest_names_are_stored_and_indexed(
    name: str, server: PostgresServer, new_store: Any
) -> None:
    save(new_store(), [CaseResult(name, name, name, "failed", 1.0, name, 0)])
    assert server.query("SELECT length(name) FROM results.new_failures") == [("2000",)]


def test_arbitrary_text_is_stored_unchanged(server: PostgresServer, new_store: Any) -> None:
    database: Database = new_store()._database
    any_text = st.text(st.characters(exclude_categories=[]), max_size=30)

    @hypothesis_settings(deadline=None, max_examples=60)
    @given(st.lists(st.tuples(any_text, any_text, any_text, any_text), min_size=1, max_size=20))
    @example([("\0", "\\N", "\\.", "\ud800")])
    def is_stored_unchanged(texts: list[tuple[str, str, str, str]]) -> None:
        cases = [CaseResult(*text[:3], "failed", None, text[3], 0) for text in texts]
        connection = database.begin_transaction()
        connection.run(store_module._COPY, stream=[format_copy_rows(7, 1, cases)])
        rows = connection.run(
            "SELECT suite, classname, name, message FROM results.cases ORDER BY position"
        )
        connection.run("ROLLBACK")
        assert [tuple(row) for row in rows or ()] == [
            tuple(text.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for text in of)
            for of in texts
        ]

    is_stored_unchanged()
