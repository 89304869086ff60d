"""Summary of a report, computed from batches of cases; keeps a bounded number of cases."""

import heapq
from collections.abc import Iterable
from typing import Any

from report_model import OUTCOMES, CaseResult

SCHEMA_VERSION = 1

_MAX_FAILURES = 100
_MAX_FAILURE_MESSAGE_CHARS = 1_000
_MAX_SLOWEST = 10
_MAX_SUITES = 200


class _Totals:
    """Counts and total duration of a suite or a report."""

    __slots__ = ("counts", "flaky", "seconds", "untimed")

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(OUTCOMES, 0)
        self.flaky = 0
        self.untimed = 0
        self.seconds = 0.0

    def document(self) -> dict[str, Any]:
        return {
            "cases": sum(self.counts.values()),
            **self.counts,
            "flaky": self.flaky,
            "untimed": self.untimed,
            # Microseconds: further digits are rounding errors of the sum.
            "duration_seconds": round(self.seconds, 6),
        }

    def add(self, other: "_Totals") -> None:
        for outcome in OUTCOMES:
            self.counts[outcome] += other.counts[outcome]
        self.flaky += other.flaky
        self.untimed += other.untimed
        self.seconds += other.seconds


class Summary:
    """Totals, failures, slowest cases and suites of a report.

    The document is deterministic for the same cases in the same order. It contains the first 100
    cases with the outcome failed or error, with messages of up to 1,000 characters; the first 200
    suites, and the total of the others as `other_suites`; and the 10 slowest cases, the earlier
    ones first where durations are equal.
    """

    def __init__(self) -> None:
        self._suites: dict[str, _Totals] = {}
        self._other_suites: _Totals | None = None
        self._failures: list[CaseResult] = []
        # Min-heap: the first item is replaced first. Of equal durations this is the last case,
        # because the second element is the negative number of the case.
        self._slowest: list[tuple[float, int, CaseResult]] = []
        self._number = 0

    def add(self, cases: Iterable[CaseResult]) -> None:
        """Add the cases to the totals."""
        suites = self._suites
        slowest = self._slowest
        for case in cases:
            totals = suites.get(case.suite) or self._suite_totals(case.suite)
            totals.counts[case.outcome] += 1
            duration = case.duration_seconds
            if duration is None:
                totals.untimed += 1
            else:
                totals.seconds += duration
                if len(slowest) < _MAX_SLOWEST:
                    self._number += 1
                    heapq.heappush(slowest, (duration, -self._number, case))
                elif duration > slowest[0][0]:
                    self._number += 1
                    heapq.heapreplace(slowest, (duration, -self._number, case))
            if case.outcome in ("failed", "error"):
                if len(self._failures) < _MAX_FAILURES:
                    self._failures.append(case)
            elif case.reruns and case.outcome == "passed":
                totals.flaky += 1

    def _suite_totals(self, suite: str) -> _Totals:
        if len(self._suites) < _MAX_SUITES:
            return self._suites.setdefault(suite, _Totals())
        if self._other_suites is None:
            self._other_suites = _Totals()
        return self._other_suites

    def document(self) -> dict[str, Any]:
        """Return the summary as a dictionary that can be serialized to JSON."""
        totals = _Totals()
        for suite in self._suites.values():
            totals.add(suite)
        other = self._other_suites
        if other is not None:
            totals.add(other)
        failing = totals.counts["failed"] + totals.counts["error"]
        return {
            "totals": totals.document(),
            "failures": [_describe_failure(case) for case in self._failures],
            "failures_omitted": failing - len(self._failures),
            "slowest": [
                _identify(case) | {"duration_seconds": seconds}
                for seconds, _, case in sorted(self._slowest, reverse=True)
            ],
            "suites": [{"name": name, **suite.document()} for name, suite in self._suites.items()],
            "other_suites": None if other is None else other.document(),
        }


def _identify(case: CaseResult) -> dict[str, Any]:
    return {"suite": case.suite, "classname": case.classname, "name": case.name}


def _describe_failure(case: CaseResult) -> dict[str, Any]:
    message = case.message
    if len(message) > _MAX_FAILURE_MESSAGE_CHARS:
        message = message[: _MAX_FAILURE_MESSAGE_CHARS - 1] + "…"
    return _identify(case) | {
        "outcome": case.outcome,
        "duration_seconds": case.duration_seconds,
        "message": message,
    }
