"""Reads a report of test results from a stream: JUnit XML, CSV or JSON Lines, plain or gzip.

The format is recognised by the content. Memory does not grow with the report: cases are handed
on in batches as they are read, and `Limits` bounds what one of them may hold. So a report can
turn out bad after thousands of good cases: whoever keeps cases must be able to drop them.

A new format is a function from chunks of bytes to batches of `CaseResult`, a row in `_READERS`,
and a line in `report_source` that recognises it.
"""

from collections.abc import Callable, Iterable, Iterator

from report_junit import junit_batches
from report_model import CaseResult, Limits, ReportError
from report_rows import csv_batches, json_lines_batches
from report_source import ByteStream, Compression, Format, open_source
from run_facts import RunFacts

__all__ = ["ByteStream", "CaseResult", "Limits", "Report", "ReportError", "open_report"]

Reader = Callable[[Iterable[bytes], Limits, int, RunFacts], Iterator[list[CaseResult]]]

_READERS: dict[Format, Reader] = {
    "junit-xml": junit_batches,
    "csv": csv_batches,
    "json-lines": json_lines_batches,
}


class Report:
    """An opened report, to be read once."""

    def __init__(
        self,
        format_: Format,
        compression: Compression,
        batches: Iterator[list[CaseResult]],
        limits: Limits,
        facts: RunFacts,
    ) -> None:
        self.format = format_
        self.compression = compression
        self.facts = facts
        """What the report says of its run; complete after its last case."""
        self._batches = batches
        self._limits = limits

    def batches(self) -> Iterator[list[CaseResult]]:
        """The cases in the order of the report, some at a time, never an empty batch.

        Raises `ReportError` where the report is bad; errors of the stream pass through.
        """
        count = 0
        try:
            for batch in self._batches:
                count += len(batch)
                if count > self._limits.max_cases:
                    raise ReportError(
                        "the report has too many cases", accepted=f"up to {self._limits.max_cases}"
                    )
                yield batch
        except ReportError as error:
            error.at(self.format)
            raise

    def __iter__(self) -> Iterator[CaseResult]:
        for batch in self.batches():
            yield from batch


def open_report(stream: ByteStream, limits: Limits | None = None) -> Report:
    """Recognise the report in `stream` (anything with `read(size)`) and prepare to read it.

    Reads no more than the beginning. Raises `ReportError` when it is no report; errors of the
    stream pass through, since they say nothing about the report.
    """
    limits = limits or Limits()
    source = open_source(stream, limits)
    facts = RunFacts()
    batches = _READERS[source.format](source.chunks, limits, source.first_line, facts)
    return Report(source.format, source.compression, batches, limits, facts)
