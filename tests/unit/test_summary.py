"""The summary of a report."""

from typing import Any

import pytest

from report_model import CaseResult, Outcome
from summary import Summary


def case(
    name: str = "t",
    outcome: Outcome = "passed",
    *,
    suite: str = "s",
    seconds: float | None = 1.0,
    message: str = "",
    reruns: int = 0,
) -> CaseResult:
    return CaseResult(suite, "c", name, outcome, seconds, message, reruns)


def document(*cases: CaseResult) -> dict[str, Any]:
    summary = Summary()
    summary.add(cases)
    return summary.document()


def test_summary_without_cases_has_zero_totals() -> None:
    nothing = dict.fromkeys(("cases", "passed", "failed", "error", "skipped"), 0)
    assert document() == {
        "totals": nothing | {"flaky": 0, "untimed": 0, "duration_seconds": 0.0},
        "failures": [],
        "failures_omitted": 0,
        "slowest": [],
        "suites": [],
        "other_suites": None,
    }


def test_totals_count_outcomes_and_durations() -> None:
    totals = document(
        case(seconds=0.1),
        case(seconds=0.2, reruns=1),
        case(outcome="failed", reruns=2),
        case(outcome="error", seconds=None),
        case(outcome="skipped", seconds=0.0, suite="other"),
    )["totals"]
    assert totals == {
        "cases": 5,
        "passed": 2,
        "failed": 1,
        "error": 1,
        "skipped": 1,
        "flaky": 1,
        "untimed": 1,
        "duration_seconds": 1.3,
    }


def test_batches_do_not_affect_the_summary() -> None:
    cases = [case(f"t{number}", seconds=number) for number in range(30)]
    parts = Summary()
    for start in range(0, 30, 7):
        parts.add(cases[start : start + 7])
    assert parts.document() == document(*cases)


def test_suites_are_in_order_of_first_occurrence() -> None:
    suites = document(
        case(suite="b"), case(suite="a", outcome="failed"), case(suite="b", seconds=2.5)
    )["suites"]
    assert [(suite["name"], suite["cases"], suite["duration_seconds"]) for suite in suites] == [
        ("b", 2, 3.5),
        ("a", 1, 1.0),
    ]
    assert (suites[1]["passed"], suites[1]["failed"]) == (0, 1)


def test_suites_over_the_limit_are_summed_as_other_suites() -> None:
    cases = [case(suite=f"s{number}", reruns=1) for number in range(250)]
    found = document(*cases, case(suite="s0"), case(suite="s249", outcome="error", seconds=None))
    assert [suite["name"] for suite in found["suites"]] == [f"s{number}" for number in range(200)]
    assert found["suites"][0]["cases"] == 2
    assert found["other_suites"] == {
        "cases": 51,
        "passed": 50,
        "failed": 0,
        "error": 1,
        "skipped": 0,
        "flaky": 50,
        "untimed": 1,
        "duration_seconds": 50.0,
    }
    assert found["totals"]["cases"] == 252
    assert found["totals"]["flaky"] == 250


def test_failures_contain_failed_cases_and_errors() -> None:
    found = document(
        case("a"),
        case("b", "failed", message="why", seconds=None),
        case("c", "skipped"),
        case("d", "error"),
    )
    assert [failure["name"] for failure in found["failures"]] == ["b", "d"]
    assert found["failures"][0] == {
        "suite": "s",
        "classname": "c",
        "name": "b",
        "outcome": "failed",
        "duration_seconds": None,
        "message": "why",
    }


def test_failures_over_the_limit_are_counted_as_omitted() -> None:
    found = document(
        *(case(f"t{number}", "failed") for number in range(110)),
        *(case(f"t{number}", "error") for number in range(110, 130)),
    )
    assert [failure["name"] for failure in found["failures"]] == [f"t{n}" for n in range(100)]
    assert found["failures_omitted"] == 30


@pytest.mark.parametrize(("length", "kept"), [(1_000, "x" * 1_000), (1_001, "x" * 999 + "…")])
def test_failure_messages_are_truncated(length: int, kept: str) -> None:
    assert document(case("a", "failed", message="x" * length))["failures"][0]["message"] == kept


def test_slowest_cases_are_in_descending_order() -> None:
    seconds = [3.0, 1.0, 12.0, 5.0, 0.5, 11.0, 2.0, 9.0, 4.0, 8.0, 10.0, 7.0, 6.0]
    found = document(*(case(str(number), seconds=number) for number in seconds))
    assert [test["duration_seconds"] for test in found["slowest"]] == [
        float(number) for number in range(12, 2, -1)
    ]
    assert found["slowest"][0] == {
        "suite": "s",
        "classname": "c",
        "name": "12.0",
        "duration_seconds": 12.0,
    }


def test_earlier_cases_precede_later_ones_of_equal_duration() -> None:
    cases = [case(f"t{number}") for number in range(15)]
    assert [test["name"] for test in document(*cases)["slowest"]] == [f"t{n}" for n in range(10)]
    slower = document(*cases, case("slow", seconds=2.0))["slowest"]
    assert [test["name"] for test in slower] == ["slow", *(f"t{number}" for number in range(9))]


def test_later_slow_cases_are_in_order_of_occurrence() -> None:
    cases = [case(f"t{number}") for number in range(10)]
    late = [case(name, seconds=2.0) for name in ("b", "a", "c")]
    assert [test["name"] for test in document(*cases, *late)["slowest"]][:3] == ["b", "a", "c"]


def test_only_the_fastest_of_the_slowest_cases_is_replaced() -> None:
    cases = [case(f"t{number}", seconds=number) for number in range(10)]
    slowest = document(*cases, case("late", seconds=0.5))["slowest"]
    assert [test["name"] for test in slowest[-2:]] == ["t1", "late"]


def test_cases_without_duration_are_not_among_the_slowest() -> None:
    assert document(case(seconds=None))["slowest"] == []
