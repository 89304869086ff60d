"""Checks and their reports: verdicts, lines and JUnit XML."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tools.checks import (
    CheckFailedError,
    Result,
    UndeterminedError,
    Verdict,
    has_failed,
    junit_xml,
    line,
    perform,
    summary,
)

RESULTS = [
    Result("upload", Verdict.PASS, "denied", 0.5),
    Result("alarm", Verdict.FAIL, "no <message>", 1.25),
    Result("flow logs", Verdict.UNDETERMINED, "no file yet", 0.25),
]


def raising(error: Exception) -> Callable[[], str]:
    def check() -> str:
        raise error

    return check


def response(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "text"}}, "GetTrailStatus")


@pytest.mark.parametrize(
    ("check", "verdict", "text"),
    [
        (lambda: "two\nlines", Verdict.PASS, "two lines"),
        (raising(CheckFailedError("differs")), Verdict.FAIL, "differs"),
        (raising(UndeterminedError("too early")), Verdict.UNDETERMINED, "too early"),
        (raising(response("AccessDeniedException")), Verdict.UNDETERMINED, "AccessDenied"),
        (raising(response("NotImplementedByEmulator")), Verdict.UNDETERMINED, "NotImplemented"),
        (raising(response("NoSuchBucket")), Verdict.FAIL, "NoSuchBucket"),
        (raising(EndpointConnectionError(endpoint_url="x")), Verdict.UNDETERMINED, "Endpoint"),
        (raising(TimeoutError("slow")), Verdict.UNDETERMINED, "TimeoutError: slow"),
    ],
)
def test_verdict_of_a_check(check: Callable[[], str], verdict: Verdict, text: str) -> None:
    result = perform("name", check)
    assert result.verdict is verdict
    assert text in result.text
    assert "\n" not in result.text


def test_an_unexpected_error_of_a_check_is_not_a_verdict() -> None:
    with pytest.raises(KeyError):
        perform("name", raising(KeyError("bug")))


def test_lines_have_columns() -> None:
    assert [line(one, 9) for one in RESULTS] == [
        "pass         upload     denied",
        "fail         alarm      no <message>",
        "cannot tell  flow logs  no file yet",
    ]


def test_summary_counts_every_verdict() -> None:
    assert summary(RESULTS) == "1 pass, 1 fail, 1 cannot tell"
    assert has_failed(RESULTS)
    assert not has_failed([RESULTS[0], RESULTS[2]])


def test_junit_xml_has_one_test_case_per_check() -> None:
    suite = ET.fromstring(junit_xml("verify-aws", RESULTS))
    counts = ("tests", "failures", "skipped", "errors", "time")
    assert [suite.get(name) for name in counts] == ["3", "1", "1", "0", "2.000"]
    cases = [(case.get("name"), case[0].tag) for case in suite]
    assert cases == [("upload", "system-out"), ("alarm", "failure"), ("flow logs", "skipped")]
    assert suite[1][0].get("message") == "no <message>"
