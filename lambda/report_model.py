"""Model of a report: case results, limits, the error for invalid input, and value validation.

The readers of all formats share these functions, so that outcomes, durations, names and messages
are accepted under the same rules in every format.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

Outcome = Literal["passed", "failed", "error", "skipped"]
OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "error", "skipped")

MAX_DURATION_SECONDS = 366 * 24 * 3600
"""One year. A longer duration is a wrong unit or a timestamp, and would distort all totals."""

_MAX_FORMATTED_CHARS = 80
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_PLAIN_NUMBER = re.compile(r"\s*(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_OUTCOME_SYNONYMS: dict[str, Outcome] = {
    "passed": "passed",
    "pass": "passed",
    "ok": "passed",
    "success": "passed",
    "failed": "failed",
    "fail": "failed",
    "failure": "failed",
    "error": "error",
    "errored": "error",
    "broken": "error",
    "skipped": "skipped",
    "skip": "skipped",
    "ignored": "skipped",
    "disabled": "skipped",
    "pending": "skipped",
}


class CaseResult(NamedTuple):
    """Result of one test case."""

    suite: str
    """Name of the suite; the names of nested suites are joined by `` > ``."""
    classname: str
    """Class or module of the case; empty where the report does not contain one."""
    name: str
    outcome: Outcome
    duration_seconds: float | None
    """None where the report contains no duration, as opposed to a duration of zero."""
    message: str
    """Reason of the outcome, up to `Limits.max_message_chars`; usually empty for passed cases."""
    reruns: int
    """Number of attempts before the last one. A passed case with reruns is flaky."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a report, in bytes (`_bytes`), characters (`_chars`), or levels and cases."""

    max_object_bytes: int = 512 * 1024**2
    """Size of the object in S3, before decompression."""
    max_uncompressed_bytes: int = 2 * 1024**3
    """Size after decompression; protects against decompression bombs."""
    max_record_bytes: int = 1024**2
    """Size of a line with its ending, a CSV record or an XML tag. Not of text between tags."""
    max_cases: int = 2_000_000
    max_name_chars: int = 2_000
    """Length of the name of a suite, class or case. A longer name is rejected, not truncated:
    two names could become equal."""
    max_message_chars: int = 4_000
    """Length of a message. A longer message is truncated."""
    max_depth: int = 100
    """Nesting level of XML elements."""


class ReportError(Exception):
    """An invalid report. A retry fails in the same way.

    `str()` contains the format, the line, the field, the value received (shortened) and the values
    accepted, as far as each is known; `detail()` returns the same parts as a dictionary.
    """

    def __init__(
        self,
        problem: str,
        *,
        accepted: str = "",
        field: str = "",
        value: object = None,
        line: int | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.accepted = accepted
        self.field = field
        self.received = "" if value is None else format_value(value)
        self.line = line
        self.format = ""

    def locate(self, *, format_: str = "", line: int | None = None) -> Self:
        """Add the format and the line number (from 1), unless they are set."""
        self.format = self.format or format_
        self.line = self.line or line
        return self

    def __str__(self) -> str:
        parts = [self.format, f"line {self.line}" if self.line else "", self.field]
        location = ", ".join(part for part in parts if part)
        received = f" (received {self.received})" if self.received else ""
        accepted = f"; accepted: {self.accepted}" if self.accepted else ""
        return f"{location}{': ' if location else ''}{self.problem}{received}{accepted}"

    def detail(self) -> dict[str, Any]:
        """Return the known parts of the error as a dictionary that can be serialized to JSON."""
        parts = {
            "problem": self.problem,
            "format": self.format,
            "line": self.line,
            "field": self.field,
            "received": self.received,
            "accepted": self.accepted,
        }
        return {name: part for name, part in parts.items() if part}


def format_value(value: object) -> str:
    """Return a value for use in a message: on one line, escaped, and at most 81 characters."""
    # Truncated before repr(), which would copy a large string.
    text = repr(value[:_MAX_FORMATTED_CHARS] if isinstance(value, str | bytes) else value)
    is_truncated = len(text) > _MAX_FORMATTED_CHARS + 2 or (
        isinstance(value, str | bytes) and len(value) > _MAX_FORMATTED_CHARS
    )
    return text[:_MAX_FORMATTED_CHARS] + "…" if is_truncated else text


def parse_outcome(text: str) -> Outcome:
    """Return the outcome that a synonym denotes, in any case and with surrounding blanks."""
    outcome = _OUTCOME_SYNONYMS.get(text) or _OUTCOME_SYNONYMS.get(text.strip().lower())
    if outcome is None:
        raise ReportError(
            "is not an outcome", field="outcome", value=text, accepted=", ".join(_OUTCOME_SYNONYMS)
        )
    return outcome


def parse_duration(text: str, field: str = "duration_seconds") -> float | None:
    """Return a duration in seconds; None for blank text.

    A comma is accepted only between groups of three digits: some reporters write ``1,234.5``,
    but a decimal comma must not be read as a thousands separator.
    """
    if not text or text.isspace():
        return None
    if _PLAIN_NUMBER.fullmatch(text):
        seconds = float(text)
    elif _THOUSANDS.fullmatch(text.strip()):
        seconds = float(text.replace(",", ""))
    else:
        raise _duration_error(text, field)
    return validate_duration(seconds, field)


def validate_duration(seconds: float, field: str = "duration_seconds") -> float:
    """Return the number as a float; rejects one that is negative, not finite or over a year."""
    if 0 <= seconds <= MAX_DURATION_SECONDS:  # False for NaN
        return float(seconds)
    raise _duration_error(seconds, field)


def _duration_error(value: object, field: str) -> ReportError:
    return ReportError(
        "is not a duration in seconds",
        field=field,
        value=value,
        accepted=f"0 to {MAX_DURATION_SECONDS}, as in 0.25 or 1,234.5",
    )


def validate_name(text: str, field: str, limits: Limits, *, required: bool = True) -> str:
    """Return the name; rejects one that is blank (if required), too long or not storable."""
    if required and (not text or text.isspace()):
        raise ReportError("is missing or blank", field=field, accepted="a name")
    if len(text) > limits.max_name_chars:
        raise ReportError(
            f"is {len(text)} characters long",
            field=field,
            value=text,
            accepted=f"up to {limits.max_name_chars} characters",
        )
    if not _is_plain_ascii(text) and _UNSTORABLE.search(text):
        raise ReportError(
            "contains a NUL or an unpaired surrogate",
            field=field,
            value=text,
            accepted="Unicode text",
        )
    return text


def truncate_message(text: str, limits: Limits) -> str:
    """Return the message up to its limit, with U+FFFD for characters that cannot be stored."""
    if len(text) > limits.max_message_chars:
        text = text[: limits.max_message_chars - 1] + "…"
    # A name identifies a case, so it is rejected; a message is corrected.
    return text if _is_plain_ascii(text) else _UNSTORABLE.sub("\ufffd", text)


def _is_plain_ascii(text: str) -> bool:
    # Two fast scans, which make the regular expression unnecessary for most texts.
    return text.isascii() and "\x00" not in text
