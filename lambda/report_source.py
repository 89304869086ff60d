"""Reads the bytes of a report: decompresses them, limits their number and detects the format."""

import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal, NamedTuple, Protocol

from report_formats import DETECTION_BYTES, ReportFormat
from report_model import Limits, ReportError
from report_signatures import GZIP_MAGIC, UTF8_BOM, UTF16_BOMS, is_binary

Compression = Literal["none", "gzip"]

_CHUNK_BYTES = 64 * 1024
# 16 + window size: gzip header and trailer, see zlib.decompressobj.
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS
_BLANK_BYTES = b" \t\r\n"


class ByteStream(Protocol):
    """The stream that contains a report: an open file, or the body of an S3 response."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none only at the end of the stream."""


class Source(NamedTuple):
    """An open report, before its reader starts."""

    format: ReportFormat
    compression: Compression
    first_line: int
    """Number of the line at which the chunks begin: leading blank lines are skipped."""
    chunks: Iterator[bytes]
    """The uncompressed bytes. No chunk is longer than a record may be."""


def open_source(stream: ByteStream, limits: Limits, formats: Sequence[ReportFormat]) -> Source:
    """Read the bytes that are required to detect the compression and the format.

    Raises `ReportError` if no format matches. Errors of the stream are not caught.
    """
    raw = _read_chunks(stream, limits)
    head = _read_at_least(len(GZIP_MAGIC), raw)
    compression: Compression = "none"
    chunks = chain([head], raw)
    if head.startswith(GZIP_MAGIC):
        compression = "gzip"
        chunks = chain(_decompress(chunks, _chunk_bytes(limits)))
    chunks = chain(_limit_size(chunks, limits))

    head = _read_at_least(DETECTION_BYTES, chunks).removeprefix(UTF8_BOM)
    text, first_line = _skip_blank_bytes(head, chunks, limits)
    if text:
        text += _read_at_least(DETECTION_BYTES - len(text), chunks)
    format_ = _detect_format(text, formats)
    return Source(format_, compression, first_line, chain([text], chunks))


def _chunk_bytes(limits: Limits) -> int:
    # The line splitter requires that only the first line of a chunk can exceed the record limit.
    # The first chunk may be joined with the bytes that were read before it for the detection.
    return max(1, min(_CHUNK_BYTES, limits.max_record_bytes - DETECTION_BYTES + 1))


def _read_chunks(stream: ByteStream, limits: Limits) -> Iterator[bytes]:
    size = _chunk_bytes(limits)
    total = 0
    while chunk := stream.read(size):
        total += len(chunk)
        if total > limits.max_object_bytes:
            raise ReportError(
                "the object is too large", accepted=f"up to {limits.max_object_bytes} bytes"
            )
        yield chunk


def _limit_size(chunks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > limits.max_uncompressed_bytes:
            raise ReportError(
                "the uncompressed report is too large",
                accepted=f"up to {limits.max_uncompressed_bytes} bytes",
            )
        yield chunk


def _read_at_least(size: int, chunks: Iterator[bytes]) -> bytes:
    data = b""
    while len(data) < size and (chunk := next(chunks, b"")):
        data += chunk
    return data


def _decompress(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Decompress consecutive gzip members, at most `size` bytes at a time."""
    decompressor = zlib.decompressobj(wbits=_GZIP_WINDOW_BITS)
    for chunk in chunks:
        data = chunk
        while True:
            if decompressor.eof:
                data = data.lstrip(b"\0")  # padding by tools that write whole blocks
                if not data:
                    break
                decompressor = zlib.decompressobj(wbits=_GZIP_WINDOW_BITS)
            try:
                output = decompressor.decompress(data, size)
            except zlib.error as error:
                raise ReportError(
                    f"the gzip data is corrupt ({error})", accepted="complete gzip members only"
                ) from error
            if output:
                yield output
            data = decompressor.unused_data if decompressor.eof else decompressor.unconsumed_tail
            # After an output of `size` bytes zlib may hold more, even if all input is consumed.
            if not data and (decompressor.eof or len(output) < size):
                break
    if not decompressor.eof:
        raise ReportError("the gzip data is truncated", accepted="complete gzip members only")


def _skip_blank_bytes(head: bytes, chunks: Iterator[bytes], limits: Limits) -> tuple[bytes, int]:
    """Return the first bytes after leading blank bytes, and the number of their line.

    Returns no bytes for a report that is empty, or has more blank bytes than a record may have.
    """
    line = 1
    skipped = 0
    while True:
        text = head.lstrip(_BLANK_BYTES)
        line += head.count(b"\n", 0, len(head) - len(text))
        skipped += len(head) - len(text)
        if text or skipped > limits.max_record_bytes or not (head := next(chunks, b"")):
            return text, line


def _detect_format(head: bytes, formats: Sequence[ReportFormat]) -> ReportFormat:
    accepted = f"{', '.join(format_.label for format_ in formats)}; plain or gzip"
    if not head:
        raise ReportError("the report is empty or blank", accepted=accepted)
    for format_ in formats:
        if format_.detect(head):
            return format_
    if head.startswith(UTF16_BOMS):
        raise ReportError("the report is UTF-16 text", accepted="UTF-8, or UTF-16 for XML only")
    if is_binary(head):
        raise ReportError("the report is binary data", value=head[:16], accepted=accepted)
    if head.startswith(b"["):
        raise ReportError("the report is a JSON array", accepted="JSON Lines: one object per line")
    raise ReportError("the format is not supported", value=head[:16], accepted=accepted)
