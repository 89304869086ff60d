"""Checks of a running system: a name, a verdict with its reason, and reports of them.

A check is a function that returns what it observed. It raises `CheckFailedError` with what differs
from the expectation, or `UndeterminedError` with the reason why it cannot decide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple
from xml.etree import ElementTree as ET

from botocore.exceptions import BotoCoreError, ClientError

# Error codes of requests without a permission, and of operations that an emulator lacks.
DENIALS = frozenset(
    {"403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
)
_MISSING = frozenset(
    {"501", "NotImplementedByEmulator", "InvalidAction", "UnknownOperationException"}
)


class CheckFailedError(Exception):
    """The check failed; the message states what was observed and expected."""


class UndeterminedError(Exception):
    """The check cannot decide; the message states the reason."""


class Verdict(StrEnum):
    """The outcome of a check."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNDETERMINED = "cannot tell"


class Result(NamedTuple):
    """The outcome of one check."""

    name: str
    verdict: Verdict
    text: str
    """What was observed, in one line."""
    seconds: float


def is_denied(error: ClientError) -> bool:
    """Whether a request failed because a permission is missing."""
    return str(error.response["Error"]["Code"]) in DENIALS


def perform(name: str, check: Callable[[], str]) -> Result:
    """Perform a check; requests without a permission, or without an answer, decide nothing."""
    started = time.monotonic()
    try:
        verdict, text = Verdict.PASS, check()
    except CheckFailedError as error:
        verdict, text = Verdict.FAIL, str(error)
    except UndeterminedError as error:
        verdict, text = Verdict.UNDETERMINED, str(error)
    except ClientError as error:
        code = str(error.response["Error"]["Code"])
        undetermined = is_denied(error) or code in _MISSING
        verdict = Verdict.UNDETERMINED if undetermined else Verdict.FAIL
        text = str(error)
    except (BotoCoreError, OSError) as error:
        verdict, text = Verdict.UNDETERMINED, f"{type(error).__name__}: {error}"
    return Result(name, verdict, " ".join(text.split()), time.monotonic() - started)


def line(result: Result, width: int = 0) -> str:
    """A result as one line of text; `width` is that of the column of the names."""
    return f"{result.verdict:<11}  {result.name:<{width}}  {result.text}"


def summary(results: Sequence[Result]) -> str:
    """The number of results with each verdict."""
    counts = {verdict: sum(one.verdict is verdict for one in results) for verdict in Verdict}
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def has_failed(results: Sequence[Result]) -> bool:
    """Whether at least one check failed."""
    return any(one.verdict is Verdict.FAIL for one in results)


def junit_xml(suite: str, results: Sequence[Result]) -> str:
    """The results as JUnit XML; a check that cannot decide is a skipped test."""
    counts = {verdict: sum(one.verdict is verdict for one in results) for verdict in Verdict}
    root = ET.Element(
        "testsuite",
        name=suite,
        tests=str(len(results)),
        failures=str(counts[Verdict.FAIL]),
        skipped=str(counts[Verdict.UNDETERMINED]),
        errors="0",
        time=f"{sum(one.seconds for one in results):.3f}",
    )
    for one in results:
        case = ET.SubElement(
            root, "testcase", classname=suite, name=one.name, time=f"{one.seconds:.3f}"
        )
        if one.verdict is Verdict.PASS:
            ET.SubElement(case, "system-out").text = one.text
        else:
            kind = "failure" if one.verdict is Verdict.FAIL else "skipped"
            ET.SubElement(case, kind, message=one.text)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
