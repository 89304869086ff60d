"""Writes reports of any size as a stream; the same number of cases gives the same bytes.

A suite has 500 cases. Of 100 cases 2 failed, 1 broke, 3 were skipped; the others passed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

CASES_A_SUITE = 500
_STACK = "".join(
    f'  File "src/shop/module_{number}.py", line {17 * number}, in step_{number}\n'
    for number in range(1, 6)
)


class GeneratedCase(NamedTuple):
    """One case; the message of a passed case is empty."""

    suite: str
    classname: str
    name: str
    outcome: str
    seconds: str
    message: str


def cases(count: int) -> Iterator[GeneratedCase]:
    """The cases of a report, in order."""
    for number in range(count):
        suite = number // CASES_A_SUITE
        outcome = _outcome(number)
        yield GeneratedCase(
            f"suite {suite:05}",
            f"shop.tests.area_{suite % 40}.TestGroup{suite}",
            f"test_generated_behaviour[{number}]",
            outcome,
            f"{number % 997 / 1000:.3f}",
            "" if outcome == "passed" else _message(number, outcome),
        )


def counts(count: int) -> dict[str, int]:
    """The number of cases of a report by outcome."""
    found = dict.fromkeys(("passed", "failed", "error", "skipped"), 0)
    for number in range(count):
        found[_outcome(number)] += 1
    return found


def write_junit(file: IO[str], count: int) -> None:
    """Write a report as JUnit XML."""
    tags = {"failed": "failure", "error": "error"}
    file.write('<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n')
    suite = ""
    for case in cases(count):
        if case.suite != suite:
            file.write("</testsuite>\n" if suite else "")
            suite = case.suite
            file.write(f'<testsuite name="{suite}" hostname="runner-7">\n')
        head = f'<testcase classname="{case.classname}" name="{case.name}" time="{case.seconds}"'
        if case.outcome == "passed":
            file.write(f"{head}/>\n")
        elif case.outcome == "skipped":
            file.write(f'{head}><skipped message="{case.message}"/></testcase>\n')
        else:
            tag = tags[case.outcome]
            first, _, rest = case.message.partition("\n")
            file.write(f'{head}><{tag} message="{first}" type="AssertionError">')
            file.write(f"<![CDATA[{rest}]]></{tag}></testcase>\n")
    file.write("</testsuite>\n</testsuites>\n" if suite else "</testsuites>\n")


def write_csv(file: IO[str], count: int) -> None:
    """Write a report as CSV."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("suite", "classname", "name", "outcome", "duration_seconds", "message"))
    writer.writerows(cases(count))


def write_json_lines(file: IO[str], count: int) -> None:
    """Write a report as JSON Lines."""
    for case in cases(count):
        line = {
            "suite": case.suite,
            "classname": case.classname,
            "name": case.name,
            "outcome": case.outcome,
            "duration_seconds": float(case.seconds),
            "message": case.message,
        }
        file.write(json.dumps(line) + "\n")


WRITERS: dict[str, Callable[[IO[str], int], None]] = {
    "junit-xml": write_junit,
    "csv": write_csv,
    "json-lines": write_json_lines,
}


def _outcome(number: int) -> str:
    place = number % 100
    if place in (13, 57):
        return "failed"
    if place == 71:
        return "error"
    return "skipped" if place in (5, 34, 88) else "passed"


def _message(number: int, outcome: str) -> str:
    if outcome == "skipped":
        return "needs a browser"
    return f"expected {number} but it was {number + 1}\n{_STACK}"
