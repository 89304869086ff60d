"""Registry of report formats: the only module to edit when a format is added.

A reader module provides two functions:

- `detect(head)` returns whether the report is in this format. `head` contains the first bytes
  after decompression, without a UTF-8 byte order mark and leading blank characters: at least
  `DETECTION_BYTES`, unless the report is shorter.
- `read(chunks, limits, first_line, metadata)` yields batches (non-empty lists) of `CaseResult`.
  `chunks` are the uncompressed bytes, none longer than `limits.max_record_bytes`; `first_line` is
  the number of the line at which they begin; the reader adds to `metadata` what the report
  contains about its run. A reader raises `ReportError` for an invalid report, holds a bounded part
  of the report in memory, and validates values by the functions of `report_model`.

A row of `FORMATS` registers them. Formats are tried in the order of the rows; CSV is the last one,
because any text that no other format detects is read as CSV.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from report_junit import is_junit_xml, read_junit_xml
from report_model import CaseResult, Limits
from report_rows import is_csv, is_json_lines, read_csv, read_json_lines
from run_metadata import RunMetadata

Reader = Callable[[Iterable[bytes], Limits, int, RunMetadata], Iterator[list[CaseResult]]]

DETECTION_BYTES = 16


@dataclass(frozen=True, slots=True)
class ReportFormat:
    """A format of test reports."""

    name: str
    """Identifier in the database, in summaries, in error messages and in the log."""
    label: str
    """Name in messages that list the accepted formats."""
    detect: Callable[[bytes], bool]
    read: Reader


FORMATS: tuple[ReportFormat, ...] = (
    ReportFormat("junit-xml", "JUnit XML", is_junit_xml, read_junit_xml),
    ReportFormat("json-lines", "JSON Lines", is_json_lines, read_json_lines),
    ReportFormat("csv", "CSV with a header line", is_csv, read_csv),
)
