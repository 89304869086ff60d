"""The bytes of a report: read in pieces, unpacked, bounded, and recognised by their content."""

import zlib
from collections.abc import Iterator
from itertools import chain
from typing import Literal, NamedTuple, Protocol

from report_model import Limits, ReportError

Compression = Literal["none", "gzip"]
Format = Literal["junit-xml", "csv", "json-lines"]

ACCEPTED = "JUnit XML, CSV with a header line, or JSON Lines; plain or gzip"

_CHUNK_BYTES = 64 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_LONGEST_SIGN = 4
_BLANKS = b" \t\r\n"


class ByteStream(Protocol):
    """What a report is read from: an open file, or the body of an S3 response."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end only."""


class Source(NamedTuple):
    """An opened report."""

    format: Format
    compression: Compression
    first_line: int
    """Number of the line the chunks begin with: blank lines before it are dropped."""
    chunks: Iterator[bytes]
    """The unpacked bytes. No chunk is longer than a record may be."""


def open_source(stream: ByteStream, limits: Limits) -> Source:
    """Read as much as it takes to recognise the report.

    Raises `ReportError` for content that is no report; errors of the stream pass through.
    """
    raw = _raw_chunks(stream, limits)
    head = _at_least(len(_GZIP_MAGIC), raw)
    compression: Compression = "none"
    chunks = chain([head], raw)
    if head.startswith(_GZIP_MAGIC):
        compression = "gzip"
        chunks = chain(_inflated(chunks, _chunk_bytes(limits)))
    return _recognised(_bounded(chunks, limits), compression, limits)


def _chunk_bytes(limits: Limits) -> int:
    # The line splitter relies on it: only the first line of a chunk can exceed the record limit.
    # The first chunk may be joined with what was read before it to recognise the report.
    return max(1, min(_CHUNK_BYTES, limits.max_record_bytes - _LONGEST_SIGN + 1))


def _raw_chunks(stream: ByteStream, limits: Limits) -> Iterator[bytes]:
    size = _chunk_bytes(limits)
    total = 0
    while chunk := stream.read(size):
        total += len(chunk)
        if total > limits.max_object_bytes:
            raise ReportError("the object is too large", accepted=_bytes(limits.max_object_bytes))
        yield chunk


def _bounded(chunks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > limits.max_uncompressed_bytes:
            raise ReportError(
                "the unpacked report is too large", accepted=_bytes(limits.max_uncompressed_bytes)
            )
        yield chunk


def _bytes(limit: int) -> str:
    return f"up to {limit} bytes"


def _at_least(size: int, chunks: Iterator[bytes]) -> bytes:
    head = b""
    while len(head) < size and (chunk := next(chunks, b"")):
        head += chunk
    return head


def _inflated(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Unpack one gzip member after another, never more than `size` bytes at a time."""
    inflater = zlib.decompressobj(wbits=_GZIP_WINDOW)
    for chunk in chunks:
        data = chunk
        while True:
            if inflater.eof:
                data = data.lstrip(b"\0")  # padding that tape and block tools leave
                if not data:
                    break
                inflater = zlib.decompressobj(wbits=_GZIP_WINDOW)
            try:
                output = inflater.decompress(data, size)
            except zlib.error as error:
                raise ReportError(
                    f"the gzip data is damaged ({error})", accepted="whole gzip members only"
                ) from error
            if output:
                yield output
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            # A full output may leave more inside zlib although all input is taken.
            if not data and (inflater.eof or len(output) < size):
                break
    if not inflater.eof:
        raise ReportError("the gzip data is cut short", accepted="whole gzip members only")


def _recognised(chunks: Iterator[bytes], compression: Compression, limits: Limits) -> Source:
    head = _at_least(_LONGEST_SIGN, chunks).removeprefix(_UTF8_BOM)
    if head.startswith(_UTF16_BOMS):
        if head[2:].strip(b"\0").startswith(b"<"):
            return Source("junit-xml", compression, 1, chain([head], chunks))
        raise ReportError("the report is UTF-16 text", accepted="UTF-8, or UTF-16 for XML only")
    first_line = 1
    skipped = 0
    while True:
        text = head.lstrip(_BLANKS)
        first_line += head.count(b"\n", 0, len(head) - len(text))
        skipped += len(head) - len(text)
        if text or skipped > limits.max_record_bytes or not (head := next(chunks, b"")):
            break
    if not text:
        raise ReportError("the report is empty or blank", accepted=ACCEPTED)
    return Source(_format_of(text), compression, first_line, chain([text], chunks))


def _format_of(text: bytes) -> Format:
    if text.startswith(b"<"):
        return "junit-xml"
    if text.startswith(b"{"):
        return "json-lines"
    if text.startswith(b"["):
        raise ReportError("the report is a JSON array", accepted="JSON Lines: one object a line")
    if text.startswith(_GZIP_MAGIC) or b"\0" in text[:1024]:
        raise ReportError("the report is binary data", value=text[:16], accepted=ACCEPTED)
    return "csv"
