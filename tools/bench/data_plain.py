"""The straightforward implementation for `tools.bench.data`, in a separate environment.

It reads the whole object, hands it to `junitparser` (or `csv`, or `json`), makes a list of rows and
gives that to `executemany` of the driver that the function uses, into the same table, over the same
TLS. Standard input is one JSON object: url, format, connection, ca_bundle. Standard output is
another: seconds, cpu_seconds, peak_memory_mib.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import ssl
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from tools.local.runner import peak_memory_mib

Row = tuple[Any, ...]
_INSERT_RUN = (
    "INSERT INTO results.runs (bucket, object_key, object_version, started_at)"
    " VALUES ('plain', %s, '1', now()) RETURNING id"
)
_INSERT_CASE = (
    "INSERT INTO results.cases (run_id, position, outcome, reruns, duration_seconds, suite,"
    " classname, name, message) VALUES (%s, %s, %s, 0, %s, %s, %s, %s, %s)"
)


def junit_rows(body: bytes) -> list[Row]:
    """The cases of JUnit XML."""
    junitparser: Any = importlib.import_module("junitparser")

    words = {"Failure": "failed", "Error": "error", "Skipped": "skipped"}
    rows = []
    for suite in junitparser.JUnitXml.fromstring(body):
        for case in suite:
            outcome, message = "passed", ""
            for result in case.result:
                outcome, message = words[type(result).__name__], result.message
            rows.append((outcome, case.time, suite.name, case.classname, case.name, message))
    return rows


def csv_rows(body: bytes) -> list[Row]:
    """The cases of CSV."""
    return [_row(line) for line in csv.DictReader(io.StringIO(body.decode()))]


def json_lines_rows(body: bytes) -> list[Row]:
    """The cases of JSON Lines."""
    return [_row(json.loads(line)) for line in body.splitlines()]


def _row(line: dict[str, Any]) -> Row:
    seconds = float(line["duration_seconds"])
    names = ("suite", "classname", "name", "message")
    return (line["outcome"], seconds, *(line[name] for name in names))


READERS: dict[str, Callable[[bytes], list[Row]]] = {
    "junit-xml": junit_rows,
    "csv": csv_rows,
    "json-lines": json_lines_rows,
}


def main() -> None:
    """Read, insert, and print the time and memory."""
    request = json.load(sys.stdin)
    where = request["connection"]
    driver: Any = importlib.import_module("pg8000.dbapi")
    connection = driver.connect(
        user=where["username"],
        password=where["password"],
        host=where["host"],
        port=where["port"],
        database=where["dbname"],
        ssl_context=ssl.create_default_context(cafile=request["ca_bundle"]),
    )
    # As the function's cold start, imports and connecting are not measured.
    READERS["junit-xml"](b"<testsuites/>")
    started, cpu = time.perf_counter(), time.process_time()
    with urllib.request.urlopen(request["url"]) as answer:  # noqa: S310
        rows = READERS[request["format"]](answer.read())
    cursor = connection.cursor()
    cursor.execute(_INSERT_RUN, (request["url"][:200],))
    (run_id,) = cursor.fetchone()
    cursor.executemany(
        _INSERT_CASE, [(run_id, position, *row) for position, row in enumerate(rows, 1)]
    )
    connection.commit()
    measured = {
        "cases": len(rows),
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "peak_memory_mib": peak_memory_mib(),
    }
    json.dump(measured, sys.stdout)


if __name__ == "__main__":
    main()
