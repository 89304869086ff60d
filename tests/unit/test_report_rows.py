"""Readers for CSV and JSON Lines."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from report_parser import CaseResult, Limits, ReportError, open_report
from report_rows import read_csv, read_json_lines

SAMPLES = Path(__file__).parents[2] / "samples"
HEADER = "suite,name,outcome,duration_seconds,message\n"
RECORD = {"suite": "s", "name": "n", "outcome": "passed"}


def cases(text: str | bytes, limits: Limits | None = None) -> list[CaseResult]:
    data = text.encode() if isinstance(text, str) else text
    return list(open_report(io.BytesIO(data), limits))


def rejection(text: str | bytes, limits: Limits | None = None) -> ReportError:
    with pytest.raises(ReportError) as caught:
        cases(text, limits)
    return caught.value


def line(**changes: Any) -> str:
    return json.dumps(RECORD | changes) + "\n"


def test_csv_sample() -> None:
    found = cases((SAMPLES / "load.csv").read_bytes())
    assert len(found) == 6
    assert found[2] == CaseResult(
        "load/browse", "", "search at 500 requests/s", "failed", 60.027,
        "95th percentile 812 ms, allowed 400 ms", 0,
    )  # fmt: skip
    assert found[4].message == "process 3 of 8 exited:\nsignal 9 (out of memory)"
    assert (found[5].duration_seconds, found[5].message) == (None, 'no second zone in "preview"')


def test_json_lines_sample() -> None:
    found = cases((SAMPLES / "nightly.jsonl").read_bytes())
    assert len(found) == 7
    assert found[1] == CaseResult(
        "e2e/desktop", "", "signs in after a password reset", "passed", 9.66, "", 1
    )
    assert (found[4].classname, found[4].name) == ("Pixel 9", "übersetzt die Übersicht")
    assert [case.duration_seconds for case in found[5:]] == [None, None]


def test_csv_columns_may_be_in_any_order_among_others() -> None:
    text = "reruns,message,build,class,outcome,name,time,suite\n2,m,77,c,fail,n,0.5,s\n"
    assert cases(text) == [CaseResult("s", "c", "n", "failed", 0.5, "m", 2)]


@pytest.mark.parametrize(
    "header",
    [
        "Suite,Name,Outcome,Duration Seconds,Message",
        " suite , name , outcome , duration-seconds , message ",
        "testsuite,test,status,duration,failure_message",
        "suite_name,testcase,result,time,errorMessage",
        "SUITE,test_name,outcome,seconds,message",
        '"suite","name","outcome","durationSeconds","message"',
        "\ufeffsuite,name,outcome,duration_seconds,message",
    ],
)
def test_csv_column_aliases_are_accepted(header: str) -> None:
    assert cases(f"{header}\ns,n,passed,1,m\n") == [CaseResult("s", "", "n", "passed", 1.0, "m", 0)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_csv_line_endings_are_accepted(ending: str) -> None:
    found = cases(HEADER.strip() + (ending or "\n") + "s,n,passed,1,m" + ending)
    assert [case.message for case in found] == ["m"]


def test_csv_blank_lines_are_skipped() -> None:
    assert len(cases(f"\n \n{HEADER}\ns,n,passed,1,\n\n\ns,o,passed,1,\n\n")) == 2


def test_csv_splits_lines_at_line_feeds_only() -> None:
    text = "a\u2028b\x0bc\x85d"
    assert cases(f"{HEADER}s,n,failed,1,{text}\n")[0].message == text


def test_csv_with_header_only_is_valid() -> None:
    assert cases(HEADER) == []


@pytest.mark.parametrize("missing", ["suite", "name", "outcome", "duration_seconds", "message"])
def test_csv_without_required_column_is_rejected(missing: str) -> None:
    header = HEADER.replace(missing, "extra")
    error = rejection(f"{header}s,n,passed,1,m\n")
    assert (error.field, error.problem) == (missing, "the required field is missing")
    assert f"aliases of {missing}:" in error.accepted


def test_error_for_missing_field_lists_its_aliases() -> None:
    assert rejection('{"suite": "s", "name": "n"}').accepted == (
        "fields suite, name, outcome; aliases of outcome: status, result"
    )
    assert rejection(HEADER.replace("duration_seconds", "took")).accepted.endswith(
        "; aliases of duration_seconds: duration, time, seconds"
    )


def test_other_text_is_rejected_as_csv() -> None:
    assert str(rejection("Dear Sir or Madam\n")).startswith(
        "csv, line 1, suite: the required field is missing (received 'Dear Sir or Madam')"
    )


def test_csv_without_lines_is_rejected() -> None:
    with pytest.raises(ReportError, match="suite: the required field is missing"):
        list(read_csv([], Limits()))


@pytest.mark.parametrize("columns", ["suite,name,name", "suite,name,test", "suite,Name,name"])
def test_csv_duplicate_column_is_rejected(columns: str) -> None:
    error = rejection(f"{columns},outcome,duration_seconds,message\ns,a,b,passed,1,m\n")
    assert (error.field, error.problem[:19]) == ("name", "is specified twice,")


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        ("s,n,passed,1", "", "the record has 4 fields"),
        ("s,n,passed,1,m,x", "", "the record has 6 fields"),
        (",n,passed,1,m", "suite", "is missing or blank"),
        ("s, ,passed,1,m", "name", "is missing or blank"),
        ("s,n,,1,m", "outcome", "is not an outcome"),
        ("s,n,passed,fast,m", "duration_seconds", "is not a duration in seconds"),
        ("s,n,passed,-1,m", "duration_seconds", "is not a duration in seconds"),
    ],
)
def test_csv_invalid_record_is_rejected_with_its_line(row: str, field: str, problem: str) -> None:
    error = rejection(f'{HEADER}s,n,failed,1,"two\nlines"\n{row}\n')
    assert (error.format, error.line, error.field, error.problem) == ("csv", 4, field, problem)


def test_csv_nul_in_a_name_is_rejected_in_later_lines() -> None:
    error = rejection(HEADER + "s,n,passed,1,m\n" * 100 + "s,n\0,passed,1,m\n")
    assert (error.line, error.field) == (102, "name")


@pytest.mark.parametrize("number", [0, 1_000_000])
def test_minimum_and_maximum_reruns_are_accepted(number: int) -> None:
    assert cases(line(reruns=number))[0].reruns == number
    assert cases(f"{HEADER.strip()},reruns\ns,n,passed,1,m,{number}\n")[0].reruns == number


@pytest.mark.parametrize("value", ["1000001", "-1", "1.5", "x", "²", "99999999"])
def test_reruns_out_of_range_are_rejected(value: str) -> None:
    error = rejection(HEADER.strip() + f",reruns\ns,n,passed,1,m,{value}\n")
    assert (error.field, error.problem) == ("reruns", "is not an integer in the range")


def test_csv_unclosed_quote_is_rejected() -> None:
    error = rejection(f'{HEADER}s,n,failed,1,"open\n')
    assert "malformed CSV (unexpected end of data)" in str(error)


def test_csv_text_after_closing_quote_is_rejected() -> None:
    error = rejection(f'{HEADER}s,n,passed,1,m\ns,"n"x,passed,1,m\n')
    assert (error.line, error.problem[:13]) == (3, "malformed CSV")


def test_csv_with_carriage_returns_only_is_rejected() -> None:
    assert rejection("suite,name\rs,n\r").problem.startswith("malformed CSV")


@pytest.mark.parametrize("first", [HEADER, line()])
def test_line_over_the_record_limit_is_rejected(first: str) -> None:
    limits = Limits(max_record_bytes=1_024)
    long = "x" * 1_200
    text = first + (line(message=long) if first != HEADER else f"s,n,failed,1,{long}\n")
    error = rejection(text, limits)
    assert (error.line, error.problem) == (2, "the record is too long")
    assert len(error.received) < 100


def test_record_limit_is_inclusive() -> None:
    limits = Limits(max_record_bytes=64)
    row = "s,n,failed,1,{}\n"
    assert len(cases(HEADER + row.format("x" * (66 - len(row))), limits)) == 1
    assert rejection(HEADER + row.format("x" * (67 - len(row))), limits).line == 2
    shortest = len(line(message=""))
    assert len(cases(line(message="x" * (80 - shortest)), Limits(max_record_bytes=80))) == 1
    assert rejection(line(message="x" * (81 - shortest)), Limits(max_record_bytes=80)).line == 1


def test_csv_record_of_several_lines_over_the_limit_is_rejected() -> None:
    limits = Limits(max_record_bytes=1_024)
    error = rejection(f'{HEADER}s,n,failed,1,"' + "short line\n" * 200, limits)
    assert error.problem == "the record is too long"
    assert error.line == 93


def test_csv_record_limit_applies_per_record() -> None:
    limits = Limits(max_record_bytes=1_024)
    assert len(cases(HEADER + "s,n,passed,1,a message\n" * 500, limits)) == 500


def test_csv_field_may_exceed_the_default_limit_of_the_csv_module() -> None:
    csv.field_size_limit(131_072)
    message = "x" * 200_000
    limits = Limits(max_message_chars=300_000)
    assert cases(f"{HEADER}s,n,failed,1,{message}\n", limits)[0].message == message


@pytest.mark.parametrize(
    ("text", "line_number"),
    [
        (HEADER.encode() + b"s,n,passed,1,m\ns,n\xff,passed,1,m\n", 3),
        (line().encode() * 2 + b'{"suite": "\xe9"}\n', 3),
        (line().encode() + b'{"suite": "\xe9"}', 2),
    ],
)
def test_text_that_is_not_utf8_is_rejected_with_its_line(text: bytes, line_number: int) -> None:
    error = rejection(text)
    assert (error.line, error.problem) == (line_number, "is not UTF-8 text")


def test_character_split_between_chunks_is_decoded() -> None:
    rows = [HEADER.encode(), "s,é,passed,1,m\n".encode()]
    data = b"".join(rows)
    for cut in range(len(data)):
        (batch,) = read_csv([data[:cut], data[cut:]], Limits())
        assert [case.name for case in batch] == ["é"]


def test_batches_have_about_a_thousand_cases() -> None:
    rows = list(read_csv([HEADER.encode(), b"s,n,passed,1,m\n" * 2_500], Limits()))
    assert [len(batch) for batch in rows] == [1_000, 1_000, 500]
    objects = list(read_json_lines([line().encode() * 400] * 6, Limits()))
    assert [len(batch) for batch in objects] == [1_200, 1_200]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (RECORD, CaseResult("s", "", "n", "passed", None, "", 0)),
        (RECORD | {"duration_seconds": 2}, CaseResult("s", "", "n", "passed", 2.0, "", 0)),
        (RECORD | {"time": "1,234.5"}, CaseResult("s", "", "n", "passed", 1234.5, "", 0)),
        (RECORD | {"duration": None, "message": None, "classname": None, "reruns": None},
         CaseResult("s", "", "n", "passed", None, "", 0)),
        (RECORD | {"reruns": 3, "errorMessage": "e", "class": "c"},
         CaseResult("s", "c", "n", "passed", None, "e", 3)),
        (RECORD | {"labels": {"os": ["linux"]}, "": 1},
         CaseResult("s", "", "n", "passed", None, "", 0)),
        ({"testSuite": "s", "testName": "n", "status": "OK"},
         CaseResult("s", "", "n", "passed", None, "", 0)),
    ],
)  # fmt: skip
def test_json_lines_fields_are_read(record: Mapping[str, Any], expected: CaseResult) -> None:
    assert cases(json.dumps(record)) == [expected]


def test_json_lines_blank_lines_and_blanks_are_skipped() -> None:
    assert len(cases(f"\n{line()}\r\n  \n\t{line()}\n")) == 2


def test_json_lines_may_have_different_keys_per_line() -> None:
    text = "".join(line(**{f"extra{number}": 1}) for number in range(200))
    assert len(cases(text)) == 200


def test_json_lines_with_keys_in_different_order_are_read_by_name() -> None:
    text = '{"suite":"s","name":"n","outcome":"ok"}\n{"name":"m","suite":"t","outcome":"ok"}\n'
    assert [(case.suite, case.name) for case in cases(text)] == [("s", "n"), ("t", "m")]


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        ('{"suite": "s"', "", "malformed JSON (Expecting ',' delimiter)"),
        ('{"suite": NaN}', "", "is not JSON"),
        ('{"suite": "a\tb"}', "", "malformed JSON (Invalid control character at)"),
        ("[1]", "", "the line is not an object"),
        ("7", "", "the line is not an object"),
        ("{} {}", "", "data follows the JSON value"),
        ("{", "", "malformed JSON (Expecting property name enclosed in double quotes)"),
        ("1" * 5_000, "", "malformed JSON (ValueError)"),
        ("{}", "suite", "the required field is missing"),
        ('{"suite": "s", "name": "n"}', "outcome", "the required field is missing"),
        (line(testsuite="t"), "suite", "is specified twice, as 'suite' and 'testsuite'"),
        (line(suite=None), "suite", "is missing or blank"),
        (line(name=5), "name", "is not a string"),
        (line(outcome=True), "outcome", "is not a string"),
        (line(outcome=None), "outcome", "is not an outcome"),
        (line(message=["m"]), "message", "is not a string"),
        (line(classname={}), "classname", "is not a string"),
        (line(duration_seconds=True), "duration_seconds", "is not a string"),
        (line(duration_seconds=-1), "duration_seconds", "is not a duration in seconds"),
        (line(time="soon"), "duration_seconds", "is not a duration in seconds"),
        ('{"suite":"s","name":"n","outcome":"ok","time":1e999}', "duration_seconds",
         "is not a duration in seconds"),
        (line(name="\ud800"), "name", "contains a NUL or an unpaired surrogate"),
        (line(suite="\0"), "suite", "contains a NUL or an unpaired surrogate"),
        (line(reruns=1.5), "reruns", "is not an integer in the range"),
        (line(reruns=True), "reruns", "is not an integer in the range"),
        (line(reruns=-1), "reruns", "is not an integer in the range"),
    ],
)  # fmt: skip
def test_json_lines_invalid_record_is_rejected_with_its_line(
    text: str, field: str, problem: str
) -> None:
    error = rejection(line() * 2 + text)
    assert (error.format, error.line, error.field, error.problem) == (
        "json-lines",
        3,
        field,
        problem,
    )


def test_json_lines_with_excessive_nesting_are_rejected() -> None:
    error = rejection(line() + '{"a":' + "[" * 200_000)
    assert error.problem == "malformed JSON (RecursionError)"


def test_json_lines_message_with_unstorable_characters_is_corrected() -> None:
    assert cases(line(message="a\0\ud800"))[0].message == "a��"


def test_line_numbers_include_leading_blank_lines() -> None:
    assert rejection("\n\n" + line() + "{}").line == 4
    assert rejection("\n\n" + HEADER + "s\n").line == 4
