"""Readers for CSV and JSON Lines: one record per test case, with the same fields in both formats.

| field              | aliases                        | value                                    |
|--------------------|--------------------------------|------------------------------------------|
| `suite`            | testsuite, suite_name          | a name                                   |
| `name`             | test, test_name, testcase      | a name                                   |
| `outcome`          | status, result                 | passed, failed, error, skipped, synonyms |
| `duration_seconds` | duration, time, seconds        | seconds; may be blank or null            |
| `message`          | failure_message, error_message | text; may be blank or null               |
| `classname`        | class                          | a name; optional                         |
| `reruns`           |                                | an integer from 0; optional              |

CSV has a header line with at least the first five fields, in any order. JSON Lines requires the
first three, and may contain metadata of the run (`run_metadata`). Names of fields are compared
without case, blanks, `_` and `-`, so that `durationSeconds` is accepted; other fields are ignored.
`report_model` contains the synonyms of each outcome.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, NoReturn

from report_model import (
    CaseResult,
    Limits,
    ReportError,
    format_value,
    parse_duration,
    parse_outcome,
    truncate_message,
    validate_duration,
    validate_name,
)
from report_signatures import UTF16_BOMS, is_binary
from run_metadata import RunMetadata, metadata_field

_BATCH_SIZE = 1_000
_MAX_RERUNS = 1_000_000
_MAX_CACHED_LAYOUTS = 64
_MAX_CACHED_LINE_CHARS = 4_096
_JSON_BLANKS = " \t\r\n"
_ONE_OBJECT = "one JSON object per line"

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


class _Layout(NamedTuple):
    """Positions of the known fields in JSON objects that have the same keys in the same order."""

    fields: tuple[str | None, ...]
    """Key of each field of `CaseResult`; None for a missing field."""
    metadata: list[str]
    """Keys that contain metadata of the run."""


def is_csv(head: bytes) -> bool:
    """Return whether the report is text that is neither UTF-16 nor a JSON array."""
    return not (head.startswith((b"[", *UTF16_BOMS)) or is_binary(head))


def read_csv(
    chunks: Iterable[bytes],
    limits: Limits,
    first_line: int = 1,
    _metadata: RunMetadata | None = None,
) -> Iterator[list[CaseResult]]:
    """Yield the cases of a CSV report (RFC 4180, comma, UTF-8) in batches; see `report_formats`."""
    # The limit of the csv module is global and lower than the record limit, which _CsvLines checks.
    csv.field_size_limit(max(csv.field_size_limit(), limits.max_record_bytes))
    lines = _CsvLines(_text_blocks(chunks, limits, first_line), limits, first_line)
    reader = csv.reader(lines, strict=True)
    line = first_line
    batch: list[CaseResult] = []
    try:
        header = next(reader, [])
        width = len(header)
        positions = _field_positions(header, _CSV_REQUIRED)
        # A missing column is read from the blank value appended to each row.
        pick = itemgetter(*(width if position is None else position for position in positions))
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
            batch.append(_case_from_row(row, pick, limits))
            if len(batch) == _BATCH_SIZE:
                yield batch
                batch = []
    except csv.Error as error:
        raise ReportError(
            f"malformed CSV ({error})", accepted='RFC 4180: commas, quotes as ""'
        ).locate(line=lines.line) from error
    except ReportError as error:
        error.locate(line=line)
        raise
    if batch:
        yield batch


def is_json_lines(head: bytes) -> bool:
    """Return whether the report starts with a JSON object."""
    return head.startswith(b"{")


def read_json_lines(
    chunks: Iterable[bytes],
    limits: Limits,
    first_line: int = 1,
    metadata: RunMetadata | None = None,
) -> Iterator[list[CaseResult]]:
    """Yield the cases of a JSON Lines report (UTF-8) in batches; see `report_formats`."""
    decode = json.JSONDecoder(parse_constant=_reject_constant).raw_decode
    layouts: dict[tuple[str, ...], _Layout] = {}
    metadata = metadata or RunMetadata()
    line = first_line - 1
    batch: list[CaseResult] = []
    try:
        for block in _text_blocks(chunks, limits, first_line):
            for text in map(_strip_blanks, block.removesuffix("\n").split("\n")):
                line += 1
                if not text:
                    continue
                record = _decode_object(decode, text)
                keys = tuple(record)
                layout = layouts.get(keys)
                if layout is None:
                    layout = _layout(keys)
                    # Bounded, because a report may have other keys in each line.
                    if len(layouts) < _MAX_CACHED_LAYOUTS and len(text) < _MAX_CACHED_LINE_CHARS:
                        layouts[keys] = layout
                for name in layout.metadata:
                    metadata.add(name, record[name])
                batch.append(_case_from_object(record, layout.fields, limits))
            if len(batch) >= _BATCH_SIZE:
                yield batch
                batch = []
    except ReportError as error:
        error.locate(line=line)
        raise
    if batch:
        yield batch


def _layout(keys: tuple[str, ...]) -> _Layout:
    positions = _field_positions(keys, _JSON_REQUIRED)
    return _Layout(
        tuple(None if position is None else keys[position] for position in positions),
        [key for key in keys if key == "labels" or metadata_field(key)],
    )


def _text_blocks(chunks: Iterable[bytes], limits: Limits, first_line: int) -> Iterator[str]:
    """Yield the text in blocks of whole lines; no line is longer than the record limit."""
    line = first_line
    carry = b""
    for chunk in chunks:
        first_end = chunk.find(b"\n") + 1 or len(chunk)
        data = carry + chunk
        if len(carry) + first_end > limits.max_record_bytes:
            raise _record_size_error(limits, data, line)
        end = data.rfind(b"\n") + 1
        carry = data[end:]
        if end:
            yield _decode_text(data[:end], line)
            line += data.count(b"\n", 0, end)
    if carry:
        yield _decode_text(carry, line)


def _record_size_error(limits: Limits, start: str | bytes, line: int) -> ReportError:
    return ReportError(
        "the record is too long",
        value=start,
        line=line,
        accepted=f"up to {limits.max_record_bytes} bytes",
    )


def _decode_text(data: bytes, line: int) -> str:
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
    """Lines for the CSV reader, with a line counter and a limit on records of several lines."""

    def __init__(self, blocks: Iterator[str], limits: Limits, first_line: int) -> None:
        self.line = first_line - 1
        self._record_chars = 0
        self._blocks = blocks
        self._limits = limits

    def start_record(self) -> int:
        """Reset the size of the record, and return the number of the line at which it begins."""
        self._record_chars = 0
        return self.line + 1

    def __iter__(self) -> Iterator[str]:
        for block in self._blocks:
            # Not splitlines(), which also splits at characters that are valid within a field.
            for line in io.StringIO(block, newline="\n"):
                self.line += 1
                self._record_chars += len(line)
                if self._record_chars > self._limits.max_record_bytes:
                    raise _record_size_error(self._limits, line, self.line)
                yield line


def _field_positions(names: Sequence[str], required: Sequence[str]) -> tuple[int | None, ...]:
    """Return the index of each of `FIELDS` in the names; None for a missing field."""
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        normalized = name.strip().lower().replace("_", "").replace("-", "").replace(" ", "")
        field = _ALIASES.get(normalized)
        if field is None:
            continue
        if field in positions:
            first = format_value(names[positions[field]])
            raise ReportError(
                f"is specified twice, as {first} and {format_value(name)}", field=field
            )
        positions[field] = position
    for field in required:
        if field not in positions:
            raise ReportError(
                "the required field is missing",
                field=field,
                value=",".join(names),
                accepted="fields "
                + ", ".join(required)
                + f"; aliases of {field}: "
                + ", ".join(_aliases(field)),
            )
    return tuple(positions.get(field) for field in FIELDS)


def _aliases(field: str) -> list[str]:
    normalized = field.replace("_", "")
    return [alias for alias, name in _ALIASES.items() if name == field and alias != normalized]


def _case_from_row(
    row: list[str], pick: Callable[[list[str]], tuple[str, ...]], limits: Limits
) -> CaseResult:
    suite, classname, name, outcome, duration, message, reruns = pick(row)
    return CaseResult(
        validate_name(suite, "suite", limits),
        validate_name(classname, "classname", limits, required=False),
        validate_name(name, "name", limits),
        parse_outcome(outcome),
        parse_duration(duration),
        truncate_message(message, limits),
        _parse_reruns(reruns),
    )


def _case_from_object(
    record: dict[Any, Any], fields: tuple[str | None, ...], limits: Limits
) -> CaseResult:
    # A missing field has the key None, which no JSON object contains.
    suite, classname, name, outcome, duration, message, reruns = map(record.get, fields)
    return CaseResult(
        validate_name(_require_text(suite, "suite"), "suite", limits),
        validate_name(_require_text(classname, "classname"), "classname", limits, required=False),
        validate_name(_require_text(name, "name"), "name", limits),
        parse_outcome(_require_text(outcome, "outcome")),
        _parse_json_duration(duration),
        truncate_message(_require_text(message, "message"), limits),
        _parse_reruns(reruns),
    )


def _require_text(value: object, field: str) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise ReportError("is not a string", field=field, value=value, accepted="a JSON string")


def _parse_json_duration(value: object) -> float | None:
    # bool is a subclass of int in Python, but true is not a duration.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return validate_duration(value)
    return parse_duration(_require_text(value, "duration_seconds"))


def _parse_reruns(value: object) -> int:
    if value is None or value == "":
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_RERUNS:
        return value
    raise ReportError(
        "is not an integer in the range",
        field="reruns",
        value=value,
        accepted=f"0 to {_MAX_RERUNS}",
    )


def _strip_blanks(text: str) -> str:
    return text.strip(_JSON_BLANKS)


def _decode_object(decode: Callable[[str], tuple[Any, int]], text: str) -> dict[Any, Any]:
    try:
        record, end = decode(text)
    # ValueError for a number of thousands of digits, RecursionError for thousands of brackets.
    except (ValueError, RecursionError) as error:
        problem = getattr(error, "msg", "") or type(error).__name__
        raise ReportError(f"malformed JSON ({problem})", value=text, accepted=_ONE_OBJECT) from None
    if end != len(text):
        raise ReportError("data follows the JSON value", value=text[end:], accepted=_ONE_OBJECT)
    if not isinstance(record, dict):
        raise ReportError("the line is not an object", value=text, accepted=_ONE_OBJECT)
    return record


def _reject_constant(name: str) -> NoReturn:
    raise ReportError("is not JSON", value=name, accepted="finite numbers")
