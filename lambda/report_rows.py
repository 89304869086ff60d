"""CSV and JSON Lines: one record a test case, the same fields in both.

| field              | also called                    | holds                                    |
|--------------------|--------------------------------|------------------------------------------|
| `suite`            | testsuite, suite_name          | a name                                   |
| `name`             | test, test_name, testcase      | a name                                   |
| `outcome`          | status, result                 | passed, failed, error, skipped, synonyms |
| `duration_seconds` | duration, time, seconds        | seconds; may be blank or null            |
| `message`          | failure_message, error_message | text; may be blank or null               |
| `classname`        | class                          | a name; optional                         |
| `reruns`           |                                | a whole number from 0; optional          |

CSV has a header line with at least the first five, in any order; JSON Lines may leave out all but
the first three, and may say more of the run (`run_facts`). Names of fields are compared without
case, blanks, `_` and `-`, so that `durationSeconds` is one of them too; other fields are ignored.
`report_model` lists the synonyms of each outcome.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NoReturn

from report_model import (
    CaseResult,
    Limits,
    ReportError,
    checked_name,
    cut_message,
    in_range,
    shown,
    to_outcome,
    to_seconds,
)
from run_facts import RunFacts, fact

_BATCH = 1_000
_MAX_RERUNS = 1_000_000
_MAX_KNOWN_SHAPES = 64
_MAX_KNOWN_CHARS = 4_096
_JSON_BLANKS = " \t\r\n"
_ONE_OBJECT = "one JSON object a line"

FIELDS = CaseResult._fields
_CSV_REQUIRED = ("suite", "name", "outcome", "duration_seconds", "message")
_JSON_REQUIRED = ("suite", "name", "outcome")

_ALIASES: dict[str, str] = {
    "suite": "suite",
    "testsuite": "suite",
    "suitename": "suite",
    "classname": "classname",
    "class": "classname",
    "name": "name",
    "test": "name",
    "testname": "name",
    "testcase": "name",
    "outcome": "outcome",
    "status": "outcome",
    "result": "outcome",
    "durationseconds": "duration_seconds",
    "duration": "duration_seconds",
    "time": "duration_seconds",
    "seconds": "duration_seconds",
    "message": "message",
    "failuremessage": "message",
    "errormessage": "message",
    "reruns": "reruns",
}


def csv_batches(
    chunks: Iterable[bytes], limits: Limits, first_line: int = 1, _facts: RunFacts | None = None
) -> Iterator[list[CaseResult]]:
    """The cases of a CSV report (RFC 4180, comma, UTF-8), some at a time."""
    # The module's own limit is global and lower than a record may be; ours is checked below.
    csv.field_size_limit(max(csv.field_size_limit(), limits.max_record_bytes))
    lines = _CsvLines(_text_blocks(chunks, limits, first_line), limits, first_line)
    reader = csv.reader(lines, strict=True)
    line = first_line
    batch: list[CaseResult] = []
    try:
        header = next(reader, [])
        width = len(header)
        places = _places(header, _CSV_REQUIRED)
        # A column that is not there is read from the blank appended to each row.
        pick = itemgetter(*(width if place is None else place for place in places))
        next_line = lines.start_record()
        for row in reader:
            line = next_line
            next_line = lines.start_record()
            if len(row) != width:
                if not row:
                    continue
                raise ReportError(
                    f"the record has {len(row)} fields",
                    value=",".join(row),
                    accepted=f"{width}, as in the header",
                )
            row.append("")
            batch.append(_case_of_row(row, pick, limits))
            if len(batch) == _BATCH:
                yield batch
                batch = []
    except csv.Error as error:
        raise ReportError(
            f"not well formed ({error})", accepted='RFC 4180: commas, quotes as ""'
        ).at("csv", lines.line) from error
    except ReportError as error:
        error.at("csv", line)
        raise
    if batch:
        yield batch


def json_lines_batches(
    chunks: Iterable[bytes], limits: Limits, first_line: int = 1, facts: RunFacts | None = None
) -> Iterator[list[CaseResult]]:
    """The cases of a JSON Lines report (one object a line, UTF-8), some at a time."""
    decode = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode
    known: dict[tuple[str, ...], tuple[tuple[str | None, ...], list[str]]] = {}
    facts = facts or RunFacts()
    line = first_line - 1
    batch: list[CaseResult] = []
    try:
        for block in _text_blocks(chunks, limits, first_line):
            for text in map(_stripped, block.removesuffix("\n").split("\n")):
                line += 1
                if not text:
                    continue
                record = _object(decode, text)
                shape = tuple(record)
                shaped = known.get(shape)
                if shaped is None:
                    places = _places(shape, _JSON_REQUIRED)
                    fields = tuple(None if place is None else shape[place] for place in places)
                    shaped = fields, [name for name in shape if name == "labels" or fact(name)]
                    # Few and small, or the keys of a hostile report would pile up here.
                    if len(known) < _MAX_KNOWN_SHAPES and len(text) < _MAX_KNOWN_CHARS:
                        known[shape] = shaped
                for name in shaped[1]:
                    facts.add(name, record[name])
                batch.append(_case_of_object(record, shaped[0], limits))
            if len(batch) >= _BATCH:
                yield batch
                batch = []
    except ReportError as error:
        error.at("json-lines", line)
        raise
    if batch:
        yield batch


def _text_blocks(chunks: Iterable[bytes], limits: Limits, first_line: int) -> Iterator[str]:
    """The text in blocks that end with a line; no line is longer than the record limit."""
    line = first_line
    carry = b""
    for chunk in chunks:
        first_end = chunk.find(b"\n") + 1 or len(chunk)
        data = carry + chunk
        if len(carry) + first_end > limits.max_record_bytes:
            raise _too_long(limits, data, line)
        end = data.rfind(b"\n") + 1
        carry = data[end:]
        if end:
            yield _decoded(data[:end], line)
            line += data.count(b"\n", 0, end)
    if carry:
        yield _decoded(carry, line)


def _too_long(limits: Limits, start: str | bytes, line: int | None = None) -> ReportError:
    return ReportError(
        "the record is too long",
        value=start,
        line=line,
        accepted=f"up to {limits.max_record_bytes} bytes",
    )


def _decoded(data: bytes, line: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReportError(
            "is not UTF-8 text",
            value=data[error.start : error.start + 16],
            line=line + data.count(b"\n", 0, error.start),
            accepted="UTF-8",
        ) from None


class _CsvLines:
    """Lines for the CSV reader, counted, with a bound on what one quoted record may gather."""

    def __init__(self, blocks: Iterator[str], limits: Limits, first_line: int) -> None:
        self.line = first_line - 1
        self._pending = 0
        self._blocks = blocks
        self._limits = limits

    def start_record(self) -> int:
        """Forget the record that was read; the number of the line the next one begins with."""
        self._pending = 0
        return self.line + 1

    def __iter__(self) -> Iterator[str]:
        for block in self._blocks:
            # Not splitlines(): it also splits at characters that may stand inside a field.
            for line in io.StringIO(block, newline="\n"):
                self.line += 1
                self._pending += len(line)
                if self._pending > self._limits.max_record_bytes:
                    raise _too_long(self._limits, line, self.line)
                yield line


def _places(names: Sequence[str], required: Sequence[str]) -> tuple[int | None, ...]:
    """Where each of FIELDS stands among the names; None for one that is not there."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        plain = name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")
        field = _ALIASES.get(plain)
        if field is None:
            continue
        if field in places:
            raise ReportError(
                f"is given twice, as {shown(names[places[field]])} and {shown(name)}", field=field
            )
        places[field] = place
    for field in required:
        if field not in places:
            raise ReportError(
                "is not among the fields",
                field=field,
                value=",".join(names),
                accepted="fields "
                + ", ".join(required)
                + f"; {field} may also be called "
                + ", ".join(_other_names(field)),
            )
    return tuple(places.get(field) for field in FIELDS)


def _other_names(field: str) -> list[str]:
    own = field.replace("_", "")
    return [name for name, known in _ALIASES.items() if known == field and name != own]


def _case_of_row(
    row: list[str], pick: Callable[[list[str]], tuple[str, ...]], limits: Limits
) -> CaseResult:
    suite, classname, name, outcome, duration, message, reruns = pick(row)
    return CaseResult(
        checked_name(suite, "suite", limits),
        checked_name(classname, "classname", limits, required=False),
        checked_name(name, "name", limits),
        to_outcome(outcome),
        to_seconds(duration),
        cut_message(message, limits),
        _reruns(reruns),
    )


def _case_of_object(
    record: dict[Any, Any], fields: tuple[str | None, ...], limits: Limits
) -> CaseResult:
    # A field that is not there stands as None, which is no key of any JSON object.
    suite, classname, name, outcome, duration, message, reruns = map(record.get, fields)
    return CaseResult(
        checked_name(_text(suite, "suite"), "suite", limits),
        checked_name(_text(classname, "classname"), "classname", limits, required=False),
        checked_name(_text(name, "name"), "name", limits),
        to_outcome(_text(outcome, "outcome")),
        _duration(duration),
        cut_message(_text(message, "message"), limits),
        _reruns(reruns),
    )


def _text(value: object, field: str) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise ReportError("is not a string", field=field, value=value, accepted="a JSON string")


def _duration(value: object) -> float | None:
    # bool is an int in Python, but true is no duration.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return in_range(value)
    return to_seconds(_text(value, "duration_seconds"))


def _reruns(value: object) -> int:
    if value is None or value == "":
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_RERUNS:
        return value
    raise ReportError(
        "is not a whole number", field="reruns", value=value, accepted=f"0 to {_MAX_RERUNS}"
    )


def _stripped(text: str) -> str:
    return text.strip(_JSON_BLANKS)


def _object(decode: Callable[[str], tuple[Any, int]], text: str) -> dict[Any, Any]:
    try:
        record, end = decode(text)
    # A number of thousands of digits is a ValueError, a thousand open brackets a RecursionError.
    except (ValueError, RecursionError) as error:
        problem = getattr(error, "msg", "") or type(error).__name__
        raise ReportError(
            f"not well formed ({problem})", value=text, accepted=_ONE_OBJECT
        ) from None
    if end != len(text):
        raise ReportError("more follows the value", value=text[end:], accepted=_ONE_OBJECT)
    if not isinstance(record, dict):
        raise ReportError("the line is not an object", value=text, accepted=_ONE_OBJECT)
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ReportError("is not JSON", value=name, accepted="finite numbers")
