"""Adds up the cases of a report while they stream by; keeps a bounded number of them."""

import heapq
from collections.abc import Iterable
from typing import Any

from report_model import OUTCOMES, CaseResult

SCHEMA_VERSION = 1

_MAX_FAILURES = 100
_MAX_FAILURE_MESSAGE_CHARS = 1_000
_MAX_SLOWEST = 10
_MAX_SUITES = 200


class _Tally:
    """Counts and seconds of one suite."""

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
            # Microseconds: finer digits are the noise of adding floats.
            "duration_seconds": round(self.seconds, 6),
        }

    def include(self, other: "_Tally") -> None:
        for outcome in OUTCOMES:
            self.counts[outcome] += other.counts[outcome]
        self.flaky += other.flaky
        self.untimed += other.untimed
        self.seconds += other.seconds


class Summary:
    """Totals, failures, slowest tests and suites of a report.

    The same cases in the same order give the same document. The first 100 cases that failed or
    broke are listed, their messages cut to 1,000 characters; the first 200 suites, later ones
    added up under `other_suites`; the 10 slowest tests, of equally slow ones the earlier.
    """

    def __init__(self) -> None:
        self._suites: dict[str, _Tally] = {}
        self._other_suites: _Tally | None = None
        self._failures: list[CaseResult] = []
        # A heap whose first item is the first to go; the negative number lets earlier cases stay.
        self._slowest: list[tuple[float, int, CaseResult]] = []
        self._number = 0

    def add(self, cases: Iterable[CaseResult]) -> None:
        """Count these cases."""
        suites = self._suites
        slowest = self._slowest
        for case in cases:
            tally = suites.get(case.suite) or self._tally(case.suite)
            tally.counts[case.outcome] += 1
            duration = case.duration_seconds
            if duration is None:
                tally.untimed += 1
            else:
                tally.seconds += duration
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
                tally.flaky += 1

    def _tally(self, suite: str) -> _Tally:
        if len(self._suites) < _MAX_SUITES:
            return self._suites.setdefault(suite, _Tally())
        if self._other_suites is None:
            self._other_suites = _Tally()
        return self._other_suites

    def document(self) -> dict[str, Any]:
        """The summary of what was added so far, ready for JSON."""
        totals = _Tally()
        for tally in self._suites.values():
            totals.include(tally)
        other = self._other_suites
        if other is not None:
            totals.include(other)
        failing = totals.counts["failed"] + totals.counts["error"]
        return {
            "totals": totals.document(),
            "failures": [_failure(case) for case in self._failures],
            "failures_omitted": failing - len(self._failures),
            "slowest": [
                _place(case) | {"duration_seconds": seconds}
                for seconds, _, case in sorted(self._slowest, reverse=True)
            ],
            "suites": [{"name": name, **tally.document()} for name, tally in self._suites.items()],
            "other_suites": None if other is None else other.document(),
        }


def _place(case: CaseResult) -> dict[str, Any]:
    return {"suite": case.suite, "classname": case.classname, "name": case.name}


def _failure(case: CaseResult) -> dict[str, Any]:
    message = case.message
    if len(message) > _MAX_FAILURE_MESSAGE_CHARS:
        message = message[: _MAX_FAILURE_MESSAGE_CHARS - 1] + "…"
    return _place(case) | {
        "outcome": case.outcome,
        "duration_seconds": case.duration_seconds,
        "message": message,
    }
