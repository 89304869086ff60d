"""What a report is made of: case results, the limits it is read under, the error for bad input.

Everything that several formats share is decided here once: which words name an outcome, what a
duration may look like, how long a name or a message may be.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

Outcome = Literal["passed", "failed", "error", "skipped"]
OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "error", "skipped")

MAX_DURATION_SECONDS = 366 * 24 * 3600
"""Longer than a year is a wrong unit or a time stamp, and would drown every total."""

_SHOWN_VALUE_CHARS = 80
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_PLAIN_NUMBER = re.compile(r"\s*(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_OUTCOME_WORDS: dict[str, Outcome] = {
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
    """One test case of a report."""

    suite: str
    """Name of the suite; the names of nested suites are joined by `` > ``."""
    classname: str
    """Class or module of the case; empty where the report names none."""
    name: str
    outcome: Outcome
    duration_seconds: float | None
    """None where the report gives no time, which is not the same as zero."""
    message: str
    """Why it did not pass; empty for a passed case, cut to `Limits.max_message_chars`."""
    reruns: int
    """Attempts before the last one: a passed case with reruns is a flaky one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a report may cost. Sizes in bytes, lengths in characters."""

    max_object_bytes: int = 512 * 1024**2
    """Size of the object as stored, so before it is unpacked."""
    max_uncompressed_bytes: int = 2 * 1024**3
    """Size after unpacking: what stops a gzip bomb."""
    max_record_bytes: int = 1024**2
    """One line with its ending, one CSV record, one XML tag. Text between tags is free."""
    max_cases: int = 2_000_000
    max_name_chars: int = 2_000
    """Longest name of a suite, class or case. A longer one is refused: cut, two might be one."""
    max_message_chars: int = 4_000
    """A longer message is cut."""
    max_depth: int = 100
    """How deep XML elements may be nested."""


class ReportError(Exception):
    """A report that cannot be accepted. Reading it again would not help.

    `str()` names the format, the line, the field, the value received (shortened) and what is
    accepted, as far as each is known; `detail()` gives the same as data.
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
        self.value = "" if value is None else shown(value)
        self.line = line
        self.format = ""

    def at(self, format_: str, line: int | None = None) -> Self:
        """Add the format and the line (counted from 1), unless they are known already."""
        self.format = self.format or format_
        self.line = self.line or line
        return self

    def __str__(self) -> str:
        place = [self.format, f"line {self.line}" if self.line else "", self.field]
        where = ", ".join(part for part in place if part)
        received = f" (received {self.value})" if self.value else ""
        accepted = f"; accepted: {self.accepted}" if self.accepted else ""
        return f"{where}{': ' if where else ''}{self.problem}{received}{accepted}"

    def detail(self) -> dict[str, Any]:
        """The known parts of the error, ready for JSON."""
        parts = {
            "problem": self.problem,
            "format": self.format,
            "line": self.line,
            "field": self.field,
            "received": self.value,
            "accepted": self.accepted,
        }
        return {name: part for name, part in parts.items() if part}


def shown(value: object) -> str:
    """The value as it may stand in a message: on one line, escaped, and never long."""
    # A slice first: the repr of a huge string would be a second huge string.
    text = repr(value[:_SHOWN_VALUE_CHARS] if isinstance(value, str | bytes) else value)
    too_long = len(text) > _SHOWN_VALUE_CHARS + 2 or (
        isinstance(value, str | bytes) and len(value) > _SHOWN_VALUE_CHARS
    )
    return text[:_SHOWN_VALUE_CHARS] + "…" if too_long else text


def to_outcome(word: str) -> Outcome:
    """The outcome a word names, in any case and with blanks around it."""
    outcome = _OUTCOME_WORDS.get(word) or _OUTCOME_WORDS.get(word.strip().lower())
    if outcome is None:
        raise ReportError(
            "is not an outcome", field="outcome", value=word, accepted=", ".join(_OUTCOME_WORDS)
        )
    return outcome


def to_seconds(text: str, field: str = "duration_seconds") -> float | None:
    """A duration in seconds; None for a blank one.

    A comma is accepted between groups of three digits only: some reporters write ``1,234.5``,
    and a decimal comma must not become a factor of a thousand.
    """
    if not text or text.isspace():
        return None
    if _PLAIN_NUMBER.fullmatch(text):
        seconds = float(text)
    elif _THOUSANDS.fullmatch(text.strip()):
        seconds = float(text.replace(",", ""))
    else:
        raise _not_a_duration(text, field)
    return in_range(seconds, field)


def in_range(seconds: float, field: str = "duration_seconds") -> float:
    """The same number as a float, refused when negative, not finite or longer than a year."""
    if 0 <= seconds <= MAX_DURATION_SECONDS:  # never true of a NaN
        return float(seconds)
    raise _not_a_duration(seconds, field)


def _not_a_duration(value: object, field: str) -> ReportError:
    return ReportError(
        "is not a duration in seconds",
        field=field,
        value=value,
        accepted=f"0 to {MAX_DURATION_SECONDS}, as in 0.25 or 1,234.5",
    )


def checked_name(text: str, field: str, limits: Limits, *, required: bool = True) -> str:
    """The name itself, refused when it is blank (if required), too long or not storable as text."""
    if required and (not text or text.isspace()):
        raise ReportError("is missing or blank", field=field, accepted="a name")
    if len(text) > limits.max_name_chars:
        raise ReportError(
            f"is {len(text)} characters long",
            field=field,
            value=text,
            accepted=f"up to {limits.max_name_chars} characters",
        )
    if not _is_plain(text) and _UNSTORABLE.search(text):
        raise ReportError(
            "holds a NUL or half a surrogate pair", field=field, value=text, accepted="Unicode text"
        )
    return text


def cut_message(text: str, limits: Limits) -> str:
    """The message, cut to its limit, with what no database or UTF-8 file can hold replaced."""
    if len(text) > limits.max_message_chars:
        text = text[: limits.max_message_chars - 1] + "…"
    # Unlike a name, a message identifies nothing: one odd character must not cost the report.
    return text if _is_plain(text) else _UNSTORABLE.sub("\ufffd", text)


def _is_plain(text: str) -> bool:
    # Two fast scans spare nearly every text the slow search.
    return text.isascii() and "\x00" not in text
