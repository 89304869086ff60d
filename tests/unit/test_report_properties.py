"""Properties of the parser for generated reports and arbitrary bytes."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from report_model import OUTCOMES
from report_parser import CaseResult, Limits, ReportError, open_report

SETTINGS = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Characters of XML 1.0, without carriage returns, which XML parsers convert to line feeds.
_CHARACTERS = st.characters(
    exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\t\n"
)
_TEXT = st.text(_CHARACTERS, max_size=40)
_NAMES = _TEXT.filter(lambda text: bool(text) and not text.isspace())
_DURATIONS = st.none() | st.floats(0, 100_000).map(lambda seconds: round(seconds, 6))
_CASES = st.lists(
    st.builds(
        CaseResult,
        suite=_NAMES.map(str.strip),
        classname=_TEXT,
        name=_NAMES,
        outcome=st.sampled_from(OUTCOMES),
        duration_seconds=_DURATIONS,
        message=_TEXT.map(str.strip),
        reruns=st.integers(0, 3),
    ),
    max_size=12,
)
# Small limits, so that reports have many chunks and some exceed the limits.
_LIMITS = st.sampled_from(
    [
        Limits(),
        Limits(max_record_bytes=1_024),
        Limits(max_record_bytes=17, max_depth=3, max_cases=2, max_name_chars=4),
        Limits(max_uncompressed_bytes=60, max_message_chars=1),
    ]
)


def _plain_case(case: CaseResult) -> CaseResult:
    # JUnit XML has no element for the message of a passed case.
    return case._replace(message="") if case.outcome == "passed" else case


def as_xml(cases: list[CaseResult]) -> bytes:
    children = {"failed": "failure", "error": "error", "skipped": "skipped"}
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for number, case in enumerate(cases):
        time = "" if case.duration_seconds is None else f" time='{case.duration_seconds!r}'"
        body = "<rerunFailure/>" * case.reruns
        if case.outcome != "passed":
            tag = children[case.outcome]
            if number % 2:
                body += f"<{tag} message={_attribute(case.message)}/>"
            else:
                body += f"<{tag}>{escape(case.message)}</{tag}>"
        lines.append(
            f"<testsuite name={_attribute(case.suite)}><testcase name={_attribute(case.name)}"
            f" classname={_attribute(case.classname)}{time}>{body}</testcase></testsuite>"
        )
    return "\n".join([*lines, "</testsuites>"]).encode()


def _attribute(text: str) -> str:
    return quoteattr(text, {"\n": "&#10;", "\t": "&#9;"})


def as_csv(cases: list[CaseResult]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(CaseResult._fields)
    for case in cases:
        writer.writerow(["" if value is None else value for value in case])
    return text.getvalue().encode()


def as_json_lines(cases: list[CaseResult]) -> bytes:
    return "".join(json.dumps(case._asdict()) + "\n" for case in cases).encode()


def read(data: bytes, limits: Limits | None = None) -> list[CaseResult]:
    return list(open_report(io.BytesIO(data), limits))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@SETTINGS
@given(cases=_CASES)
def test_junit_round_trip(pack: Callable[[bytes], bytes], cases: list[CaseResult]) -> None:
    assert read(pack(as_xml(cases))) == [_plain_case(case) for case in cases]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@SETTINGS
@given(cases=_CASES)
def test_csv_round_trip(pack: Callable[[bytes], bytes], cases: list[CaseResult]) -> None:
    assert read(pack(as_csv(cases))) == cases


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@SETTINGS
@given(cases=_CASES.filter(bool))
def test_json_lines_round_trip(pack: Callable[[bytes], bytes], cases: list[CaseResult]) -> None:
    assert read(pack(as_json_lines(cases))) == cases


def _assert_raises_report_error_only(data: bytes, limits: Limits) -> None:
    try:
        for case in read(data, limits):
            assert len(case.name) <= limits.max_name_chars
            assert len(case.message) <= limits.max_message_chars
            "".join((case.suite, case.classname, case.name, case.message)).encode()
    except ReportError as error:
        # The message and the detail can be logged and stored.
        str(error).encode()
        json.dumps(error.detail())


@SETTINGS
@given(data=st.binary(max_size=300), limits=_LIMITS)
def test_arbitrary_bytes_raise_report_error_only(data: bytes, limits: Limits) -> None:
    _assert_raises_report_error_only(data, limits)
    _assert_raises_report_error_only(gzip.compress(data), limits)


@SETTINGS
@given(
    start=st.sampled_from([b"<", b"{", b"<?xml ", b"\x1f\x8b\x08", b"\xff\xfe<\0"]), data=st.data()
)
def test_arbitrary_bytes_of_a_detected_format_raise_report_error_only(
    start: bytes, data: st.DataObject
) -> None:
    rest = data.draw(st.binary(max_size=300))
    _assert_raises_report_error_only(start + rest, data.draw(_LIMITS))


_PIECES = [
    *(b"<testsuite name='s'>", b"</testsuite>", b"<testcase name='n' time='", b"'/>", b"<!--"),
    *(b"<testcase>", b"</testcase>", b"<failure message='", b"<![CDATA[", b"]]>", b"-->", b"&lt;"),
    *(b"<!DOCTYPE a [", b"<!ENTITY a 'b'>", b"&a;", b"&#xD800;", b"&#0;", b"utf-16'?>", b"hex'?>"),
    *(b"<?xml version='1.0' encoding='", b"utf-8'?>", b"1,234.5", b"1e999", b"nan", b"-1", b'"'),
    *(b"suite,name,outcome,duration_seconds,message\n", b"s,n,passed,1,m\n", b",", b"\n", b"\r"),
    *(b'{"suite":"s","name":"n","outcome":"ok"', b',"time":', b',"message":"\\ud800\\u0000"'),
    *(b'{"status":', b"}\n", b"[", b"null", b"true", b"NaN", b"1" * 30, b"\xff", b"\0", b"x" * 40),
]  # fmt: skip


@settings(SETTINGS, max_examples=200)
@given(pieces=st.lists(st.sampled_from(_PIECES), max_size=14), limits=_LIMITS)
def test_mixed_fragments_raise_report_error_only(pieces: list[bytes], limits: Limits) -> None:
    _assert_raises_report_error_only(b"".join(pieces), limits)


@pytest.mark.parametrize("write", [as_xml, as_csv, as_json_lines])
@SETTINGS
@given(cases=_CASES, data=st.data())
def test_corrupted_reports_raise_report_error_only(
    write: Callable[[list[CaseResult]], bytes], cases: list[CaseResult], data: st.DataObject
) -> None:
    report = bytearray(write(cases))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(report)))
        report[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    _assert_raises_report_error_only(bytes(report), Limits())
    packed = bytearray(gzip.compress(bytes(report)))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    _assert_raises_report_error_only(bytes(packed), Limits())


@pytest.mark.parametrize("write", [as_xml, as_csv, as_json_lines])
@SETTINGS
@given(cases=_CASES.filter(bool), data=st.data())
def test_result_does_not_depend_on_read_size(
    write: Callable[[list[CaseResult]], bytes], cases: list[CaseResult], data: st.DataObject
) -> None:
    report = write(cases)

    class Pieces(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            return super().read(min(size, data.draw(st.integers(1, 40))))

    assert list(open_report(Pieces(report))) == read(report)
