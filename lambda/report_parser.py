"""Opens a test report from a stream, in any format of `report_formats`, plain or gzip.

The format is detected from the content. Cases are returned in batches while the stream is read,
and `Limits` bounds the size of a batch, so that memory use does not depend on the size of the
report. An error may therefore follow after thousands of valid cases: the caller must be able to
discard the cases that it received before.
"""

from collections.abc import Iterator, Sequence

from report_formats import FORMATS, ReportFormat
from report_model import CaseResult, Limits, ReportError
from report_source import ByteStream, Compression, open_source
from run_metadata import RunMetadata

__all__ = ["ByteStream", "CaseResult", "Limits", "Report", "ReportError", "open_report"]


class Report:
    """An open report, which can be read once."""

    def __init__(
        self,
        format_: str,
        compression: Compression,
        batches: Iterator[list[CaseResult]],
        limits: Limits,
        metadata: RunMetadata,
    ) -> None:
        self.format = format_
        self.compression = compression
        self.metadata = metadata
        """Metadata of the run in the report; complete after the last case."""
        self._batches = batches
        self._limits = limits

    def batches(self) -> Iterator[list[CaseResult]]:
        """Yield the cases in the order of the report, in non-empty lists.

        Raises `ReportError` for an invalid report. Errors of the stream are not caught.
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
            error.locate(format_=self.format)
            raise

    def __iter__(self) -> Iterator[CaseResult]:
        for batch in self.batches():
            yield from batch


def open_report(
    stream: ByteStream,
    limits: Limits | None = None,
    formats: Sequence[ReportFormat] = FORMATS,
) -> Report:
    """Detect the format of the report in `stream` (an object with `read(size)`) and open it.

    Reads only the beginning of the stream. Raises `ReportError` if no format matches. Errors of
    the stream are not caught, because they do not depend on the report.
    """
    limits = limits or Limits()
    source = open_source(stream, limits, formats)
    metadata = RunMetadata()
    batches = source.format.read(source.chunks, limits, source.first_line, metadata)
    return Report(source.format.name, source.compression, batches, limits, metadata)
