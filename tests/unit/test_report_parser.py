"""Recognising, unpacking and bounding a report, whatever its format."""

import gzip
import io
import sys
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from report_parser import Limits, Report, ReportError, open_report
from report_source import open_source

XML = b"<testsuite name='s'><testcase name='a'/><testcase name='b'/></testsuite>"
CSV = b"suite,name,outcome,duration_seconds,message\ns,a,passed,,\ns,b,passed,,\n"
JSON_LINES = b'{"suite":"s","name":"a","outcome":"ok"}\n{"suite":"s","name":"b","outcome":"ok"}\n'
REPORTS = {"junit-xml": XML, "csv": CSV, "json-lines": JSON_LINES}


class Trickle(io.RawIOBase):
    """A stream that gives one byte at a time, as a slow connection may."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._stream = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        assert size > 0
        return self._stream.read(1)


class Generated:
    """A stream whose bytes are made while it is read; nothing of it is kept."""

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


def refusal(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ReportError) as caught:
        list(opened(data, limits))
    return str(caught.value)


@pytest.mark.parametrize("format_", REPORTS)
@pytest.mark.parametrize("lead", [b"", b"\n \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_format_is_recognised_by_content(format_: str, lead: bytes) -> None:
    report = opened(lead + REPORTS[format_])
    assert (report.format, report.compression) == (format_, "none")
    assert [case.name for case in report] == ["a", "b"]


@pytest.mark.parametrize("format_", REPORTS)
def test_gzip_is_recognised_by_content(format_: str) -> None:
    report = opened(gzip.compress(REPORTS[format_]))
    assert (report.format, report.compression) == (format_, "gzip")
    assert [case.name for case in report] == ["a", "b"]


@pytest.mark.parametrize("format_", REPORTS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_stream_may_give_less_than_asked_for(format_: str, pack: Callable[[bytes], bytes]) -> None:
    report = open_report(Trickle(pack(REPORTS[format_])))
    assert [case.name for case in report] == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the report is empty or blank"),
        (b" \r\n\t\n", "the report is empty or blank"),
        (gzip.compress(b""), "the report is empty or blank"),
        (b"\xef\xbb\xbf", "the report is empty or blank"),
        (b'[{"suite": "s"}]', "the report is a JSON array; accepted: JSON Lines"),
        (b"PK\x03\x04\x14\0\0\0", "the report is binary data (received b'PK"),
        (b"\0" * 50, "the report is binary data"),
        (gzip.compress(gzip.compress(XML)), "the report is binary data (received b'\\x1f\\x8b"),
        (CSV.decode().encode("utf-16"), "the report is UTF-16 text"),
        (JSON_LINES.decode().encode("utf-16"), "the report is UTF-16 text"),
        (b"\xfe\xff", "the report is UTF-16 text"),
    ],
)
def test_what_is_no_report(data: bytes, reason: str) -> None:
    assert reason in refusal(data)


def test_refusal_of_an_unknown_format_says_what_is_accepted() -> None:
    assert refusal(b"").endswith(
        "accepted: JUnit XML, CSV with a header line, or JSON Lines; plain or gzip"
    )


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf16_xml_is_recognised(order: str) -> None:
    assert names(("\ufeff" + XML.decode()).encode(order)) == ["a", "b"]


def test_endless_blanks_are_given_up() -> None:
    read = 0

    def blanks() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 4_096
            yield b" " * 4_096

    with pytest.raises(ReportError, match="empty or blank"):
        open_report(Generated(blanks()), Limits(max_record_bytes=100_000))
    assert read < 500_000


def test_opening_reads_no_more_than_the_beginning() -> None:
    stream = io.BytesIO(XML + b" " * 1_000_000)
    open_report(stream)
    assert stream.tell() <= 64 * 1024


def test_gzip_of_several_members_is_one_report() -> None:
    packed = b"".join(gzip.compress(JSON_LINES[i : i + 7]) for i in range(0, len(JSON_LINES), 7))
    assert names(packed) == ["a", "b"]


def test_gzip_padded_with_zeros_is_accepted() -> None:
    assert names(gzip.compress(CSV) + b"\0" * 100_000) == ["a", "b"]


def test_gzip_with_other_data_behind_is_refused() -> None:
    assert "the gzip data is damaged" in refusal(gzip.compress(CSV) + b"more")


def test_gzip_cut_anywhere_is_refused() -> None:
    packed = gzip.compress(CSV)
    for length in range(2, len(packed)):
        assert "the gzip data is cut short" in refusal(packed[:length]), length


def test_gzip_with_a_wrong_checksum_is_refused() -> None:
    packed = bytearray(gzip.compress(CSV))
    packed[-8] ^= 1
    assert "the gzip data is damaged" in refusal(bytes(packed))


def test_gzip_with_a_damaged_body_is_refused() -> None:
    packed = bytearray(gzip.compress(CSV))
    packed[10:14] = b"\xff\xff\xff\xff"
    assert "the gzip data is damaged" in refusal(bytes(packed))


@pytest.mark.parametrize("size", [1, 7, 64, 65_536])
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 100_000])
def test_unpacked_bytes_are_the_packed_ones_in_bounded_pieces(size: int, length: int) -> None:
    if size == 1 and length > 1_000:
        length = 1_000
    text = b"x" + b"a" * length  # packs a thousandfold, so output outruns input
    limits = Limits(max_record_bytes=size)
    chunks = list(open_source(io.BytesIO(gzip.compress(text)), limits).chunks)
    assert b"".join(chunks) == text
    # Four at least: the first chunks are joined until the report can be recognised.
    assert max(map(len, chunks)) <= max(size, 4)


def test_gzip_bomb_is_refused_before_it_unfolds() -> None:
    bomb = gzip.compress(b" " * 30_000_000 + XML)
    limits = Limits(max_uncompressed_bytes=1_000_000, max_record_bytes=50_000_000)
    tracemalloc.start()
    try:
        assert "the unpacked report is too large; accepted: up to 1000000 bytes" in refusal(
            bomb, limits
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_unpacked_size_may_reach_the_limit() -> None:
    assert names(gzip.compress(CSV), Limits(max_uncompressed_bytes=len(CSV))) == ["a", "b"]
    assert "too large" in refusal(gzip.compress(CSV), Limits(max_uncompressed_bytes=len(CSV) - 1))


def test_stored_size_may_reach_the_limit() -> None:
    packed = gzip.compress(CSV)
    assert names(packed, Limits(max_object_bytes=len(packed))) == ["a", "b"]
    reason = refusal(packed, Limits(max_object_bytes=len(packed) - 1))
    assert reason.startswith("the object is too large; accepted: up to ")


@pytest.mark.parametrize("format_", REPORTS)
def test_number_of_cases_may_reach_the_limit(format_: str) -> None:
    assert names(REPORTS[format_], Limits(max_cases=2)) == ["a", "b"]
    reason = refusal(REPORTS[format_], Limits(max_cases=1))
    assert reason == f"{format_}: the report has too many cases; accepted: up to 1"


@pytest.mark.parametrize("format_", REPORTS)
@pytest.mark.parametrize("good_bytes", [0, 10])
def test_error_of_the_stream_is_no_error_of_the_report(format_: str, good_bytes: int) -> None:
    class Broken:
        left = REPORTS[format_][:good_bytes]

        def read(self, size: int, /) -> bytes:
            data, self.left = self.left, b""
            if not data:
                raise ValueError("connection reset")
            return data

    with pytest.raises(ValueError, match="connection reset"):
        list(open_report(Broken()))


def test_error_found_while_reading_names_the_format() -> None:
    assert refusal(gzip.compress(XML)[:-1]).startswith("junit-xml: the gzip data is cut short")


# Parts of a thousand cases, so that making the report costs less than reading it.
def _xml_report(count: int) -> Iterator[bytes]:
    yield b"<testsuites>\n"
    for start in range(0, count, 1_000):
        cases = (
            b'  <testcase classname="tests.test_it" name="test_%d" time="0.01"/>\n' % number
            for number in range(start, start + 990)
        )
        failure = b'<failure message="assert 1 == 2">trace\n  of the failure</failure>'
        failures = (
            b'  <testcase name="test_%d">%s</testcase>\n' % (number, failure)
            for number in range(start + 990, start + 1_000)
        )
        yield b'<testsuite name="suite %d"><properties/>\n' % start
        yield b"".join((*cases, *failures))
        yield b"</testsuite>\n"
    yield b"</testsuites>"


def _csv_report(count: int) -> Iterator[bytes]:
    yield b"suite,name,outcome,duration_seconds,message\n"
    for start in range(0, count, 1_000):
        yield b"".join(
            b'suite %d,test_%d,failed,0.01,"assert 1 == 2,\nsaid the test"\n' % (start, number)
            for number in range(start, start + 1_000)
        )


def _json_report(count: int) -> Iterator[bytes]:
    for start in range(0, count, 1_000):
        yield b"".join(
            b'{"suite": "suite %d", "name": "test_%d", "outcome": "ok", "x%d": 1}\n'
            % (start, number, number)
            for number in range(start, start + 1_000)
        )


def _peak_memory(parts: Iterator[bytes], expected: int) -> int:
    trace = sys.gettrace()
    sys.settrace(None)  # a coverage tool's own memory and time are not the parser's
    tracemalloc.start()
    try:
        count = sum(len(batch) for batch in open_report(Generated(parts)).batches())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        sys.settrace(trace)
    assert count == expected
    return peak


def test_memory_is_bounded_for_200_000_cases_of_xml() -> None:
    assert _peak_memory(_xml_report(200_000), 200_000) < 2_000_000


@pytest.mark.parametrize("report", [_xml_report, _csv_report, _json_report])
def test_memory_does_not_grow_with_the_report(report: Callable[[int], Iterator[bytes]]) -> None:
    small = _peak_memory(report(3_000), 3_000)
    large = _peak_memory(report(24_000), 24_000)
    assert large < small * 1.2


def test_memory_does_not_grow_with_one_long_message() -> None:
    def message() -> Iterator[bytes]:
        yield b"<testsuite><testcase name='a'><failure>"
        for _ in range(100):
            yield b"all work and no play\n" * 5_000
        yield b"</failure></testcase></testsuite>"

    assert _peak_memory(message(), 1) < 2_000_000


def test_memory_does_not_grow_with_one_endless_tag() -> None:
    def tag() -> Iterator[bytes]:
        yield b"<testsuite><testcase name='"
        while True:
            yield b"x" * 10_000

    tracemalloc.start()
    try:
        with pytest.raises(ReportError, match="the tag or comment is too long"):
            list(open_report(Generated(tag())))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000
