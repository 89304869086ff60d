"""Format detection, decompression and limits, for all formats."""

import gzip
import io
import sys
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from report_formats import DETECTION_BYTES, FORMATS
from report_parser import Limits, Report, ReportError, open_report
from report_source import open_source

XML = b"<testsuite name='s'><testcase name='a'/><testcase name='b'/></testsuite>"
CSV = b"suite,name,outcome,duration_seconds,message\ns,a,passed,,\ns,b,passed,,\n"
JSON_LINES = b'{"suite":"s","name":"a","outcome":"ok"}\n{"suite":"s","name":"b","outcome":"ok"}\n'
# Without the time of compression, so that the ids of tests are the same in all processes.
DOUBLE_GZIP = gzip.compress(gzip.compress(XML, mtime=0), mtime=0)
REPORTS = {"junit-xml": XML, "csv": CSV, "json-lines": JSON_LINES}


class OneByteStream(io.RawIOBase):
    """A stream that returns one byte per call."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._stream = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        assert size > 0
        return self._stream.read(1)


class GeneratedStream:
    """A stream that generates its bytes while it is read."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._left = b""

    def read(self, size: int, /) -> bytes:
        parts = [self._left]
        length = len(self._left)
        while length < size and (part := next(self._parts, b"")):
            parts.append(part)
            length += len(part)
        data = b"".join(parts)
        self._left = data[size:]
        return data[:size]


def opened(data: bytes, limits: Limits | None = None) -> Report:
    return open_report(io.BytesIO(data), limits)


def names(data: bytes, limits: Limits | None = None) -> list[str]:
    return [case.name for case in opened(data, limits)]


def rejection(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ReportError) as caught:
        list(opened(data, limits))
    return str(caught.value)


@pytest.mark.parametrize("format_", REPORTS)
@pytest.mark.parametrize("lead", [b"", b"\n \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_format_is_detected_from_content(format_: str, lead: bytes) -> None:
    report = opened(lead + REPORTS[format_])
    assert (report.format, report.compression) == (format_, "none")
    assert [case.name for case in report] == ["a", "b"]


@pytest.mark.parametrize("format_", REPORTS)
def test_gzip_is_detected_from_content(format_: str) -> None:
    report = opened(gzip.compress(REPORTS[format_]))
    assert (report.format, report.compression) == (format_, "gzip")
    assert [case.name for case in report] == ["a", "b"]


@pytest.mark.parametrize("format_", REPORTS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_stream_may_return_fewer_bytes_than_requested(
    format_: str, pack: Callable[[bytes], bytes]
) -> None:
    report = open_report(OneByteStream(pack(REPORTS[format_])))
    assert [case.name for case in report] == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the report is empty or blank"),
        (b" \r\n\t\n", "the report is empty or blank"),
        (gzip.compress(b"", mtime=0), "the report is empty or blank"),
        (b"\xef\xbb\xbf", "the report is empty or blank"),
        (b'[{"suite": "s"}]', "the report is a JSON array; accepted: JSON Lines"),
        (b"PK\x03\x04\x14\0\0\0", "the report is binary data (received b'PK"),
        (b"\0" * 50, "the report is binary data"),
        (DOUBLE_GZIP, "the report is binary data (received b'\\x1f\\x8b"),
        (CSV.decode().encode("utf-16"), "the report is UTF-16 text"),
        (JSON_LINES.decode().encode("utf-16"), "the report is UTF-16 text"),
        (b"\xfe\xff", "the report is UTF-16 text"),
    ],
)
def test_unsupported_content_is_rejected(data: bytes, reason: str) -> None:
    assert reason in rejection(data)


def test_rejection_lists_the_registered_formats() -> None:
    labels = ", ".join(one.label for one in FORMATS)
    assert rejection(b"").endswith(f"accepted: {labels}; plain or gzip")


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf16_xml_is_detected(order: str) -> None:
    assert names(("\ufeff" + XML.decode()).encode(order)) == ["a", "b"]


def test_leading_blanks_over_the_record_limit_are_rejected() -> None:
    read = 0

    def blanks() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 4_096
            yield b" " * 4_096

    with pytest.raises(ReportError, match="empty or blank"):
        open_report(GeneratedStream(blanks()), Limits(max_record_bytes=100_000))
    assert read < 500_000


def test_open_report_reads_the_beginning_only() -> None:
    stream = io.BytesIO(XML + b" " * 1_000_000)
    open_report(stream)
    assert len(stream.getvalue()) - len(stream.read()) <= 64 * 1024


def test_gzip_members_are_concatenated() -> None:
    packed = b"".join(gzip.compress(JSON_LINES[i : i + 7]) for i in range(0, len(JSON_LINES), 7))
    assert names(packed) == ["a", "b"]


def test_gzip_with_zero_padding_is_accepted() -> None:
    assert names(gzip.compress(CSV) + b"\0" * 100_000) == ["a", "b"]


def test_gzip_with_trailing_data_is_rejected() -> None:
    assert "the gzip data is corrupt" in rejection(gzip.compress(CSV) + b"more")


def test_truncated_gzip_is_rejected() -> None:
    packed = gzip.compress(CSV)
    for length in range(2, len(packed)):
        assert "the gzip data is truncated" in rejection(packed[:length]), length


def test_gzip_with_invalid_checksum_is_rejected() -> None:
    packed = bytearray(gzip.compress(CSV))
    packed[-8] ^= 1
    assert "the gzip data is corrupt" in rejection(bytes(packed))


def test_corrupt_gzip_is_rejected() -> None:
    packed = bytearray(gzip.compress(CSV))
    packed[10:14] = b"\xff\xff\xff\xff"
    assert "the gzip data is corrupt" in rejection(bytes(packed))


@pytest.mark.parametrize("size", [1, 7, 64, 65_536])
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 100_000])
def test_decompressed_chunks_are_complete_and_bounded(size: int, length: int) -> None:
    if size == 1 and length > 1_000:
        length = 1_000
    text = b"x" + b"a" * length  # compresses by a factor of 1000, so that output exceeds input
    limits = Limits(max_record_bytes=size)
    chunks = list(open_source(io.BytesIO(gzip.compress(text)), limits, FORMATS).chunks)
    assert b"".join(chunks) == text
    # The first chunks are joined until the format can be detected.
    assert max(map(len, chunks)) <= max(size, DETECTION_BYTES)


def test_decompression_bomb_is_rejected_with_bounded_memory() -> None:
    bomb = gzip.compress(b" " * 30_000_000 + XML)
    limits = Limits(max_uncompressed_bytes=1_000_000, max_record_bytes=50_000_000)
    tracemalloc.start()
    try:
        assert "the uncompressed report is too large; accepted: up to 1000000 bytes" in rejection(
            bomb, limits
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_uncompressed_size_limit_is_inclusive() -> None:
    assert names(gzip.compress(CSV), Limits(max_uncompressed_bytes=len(CSV))) == ["a", "b"]
    assert "too large" in rejection(gzip.compress(CSV), Limits(max_uncompressed_bytes=len(CSV) - 1))


def test_object_size_limit_is_inclusive() -> None:
    packed = gzip.compress(CSV)
    assert names(packed, Limits(max_object_bytes=len(packed))) == ["a", "b"]
    reason = rejection(packed, Limits(max_object_bytes=len(packed) - 1))
    assert reason.startswith("the object is too large; accepted: up to ")


@pytest.mark.parametrize("format_", REPORTS)
def test_case_limit_is_inclusive(format_: str) -> None:
    assert names(REPORTS[format_], Limits(max_cases=2)) == ["a", "b"]
    reason = rejection(REPORTS[format_], Limits(max_cases=1))
    assert reason == f"{format_}: the report has too many cases; accepted: up to 1"


@pytest.mark.parametrize("format_", REPORTS)
@pytest.mark.parametrize("valid_bytes", [0, 10])
def test_stream_errors_are_not_caught(format_: str, valid_bytes: int) -> None:
    class Broken:
        left = REPORTS[format_][:valid_bytes]

        def read(self, size: int, /) -> bytes:
            data, self.left = self.left, b""
            if not data:
                raise ValueError("connection reset")
            return data

    with pytest.raises(ValueError, match="connection reset"):
        list(open_report(Broken()))


def test_error_while_reading_contains_the_format() -> None:
    assert rejection(gzip.compress(XML)[:-1]).startswith("junit-xml: the gzip data is truncated")


# Blocks of a thousand cases, so that most of the time is spent in reading. Numbers have a fixed
# width, so that the number of lines in a chunk does not depend on the size of the report.
def _xml_report(count: int) -> Iterator[bytes]:
    yield b"<testsuites>\n"
    for start in range(0, count, 1_000):
        cases = (
            b'  <testcase classname="tests.test_it" name="test_%06d" time="0.01"/>\n' % number
            for number in range(start, start + 990)
        )
        failure = b'<failure message="assert 1 == 2">trace\n  of the failure</failure>'
        failures = (
            b'  <testcase name="test_%06d">%s</testcase>\n' % (number, failure)
            for number in range(start + 990, start + 1_000)
        )
        yield b'<testsuite name="suite %06d"><properties/>\n' % start
        yield b"".join((*cases, *failures))
        yield b"</testsuite>\n"
    yield b"</testsuites>"


def _csv_report(count: int) -> Iterator[bytes]:
    yield b"suite,name,outcome,duration_seconds,message\n"
    for start in range(0, count, 1_000):
        yield b"".join(
            b'suite %06d,test_%06d,failed,0.01,"assert 1 == 2,\nsaid the test"\n' % (start, number)
            for number in range(start, start + 1_000)
        )


def _json_report(count: int) -> Iterator[bytes]:
    for start in range(0, count, 1_000):
        yield b"".join(
            b'{"suite": "suite %06d", "name": "test_%06d", "outcome": "ok", "x%06d": 1}\n'
            % (start, number, number)
            for number in range(start, start + 1_000)
        )


def _peak_memory(parts: Iterator[bytes], expected: int) -> int:
    trace = sys.gettrace()
    sys.settrace(None)  # excludes the memory of a coverage tool
    tracemalloc.start()
    try:
        count = sum(len(batch) for batch in open_report(GeneratedStream(parts)).batches())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        sys.settrace(trace)
    assert count == expected
    return peak


@pytest.mark.slow
def test_memory_is_bounded_for_60_000_cases_of_xml() -> None:
    assert _peak_memory(_xml_report(60_000), 60_000) < 2_000_000


@pytest.mark.parametrize("report", [_xml_report, _csv_report, _json_report])
def test_memory_does_not_depend_on_report_size(report: Callable[[int], Iterator[bytes]]) -> None:
    small = _peak_memory(report(3_000), 3_000)
    large = _peak_memory(report(24_000), 24_000)
    # The additional 21,000 cases would take more than 5 MB; the peak varies by up to 0.3 MB.
    assert large < small + 1_000_000


def test_memory_does_not_depend_on_message_length() -> None:
    def message() -> Iterator[bytes]:
        yield b"<testsuite><testcase name='a'><failure>"
        for _ in range(100):
            yield b"all work and no play\n" * 5_000
        yield b"</failure></testcase></testsuite>"

    assert _peak_memory(message(), 1) < 2_000_000


def test_memory_is_bounded_for_an_endless_tag() -> None:
    def tag() -> Iterator[bytes]:
        yield b"<testsuite><testcase name='"
        while True:
            yield b"x" * 10_000

    tracemalloc.start()
    try:
        with pytest.raises(ReportError, match="the tag or comment is too long"):
            list(open_report(GeneratedStream(tag())))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
