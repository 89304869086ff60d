"""What all formats share: outcomes, durations, names, messages and the error itself."""

import json

import pytest

from report_model import (
    MAX_DURATION_SECONDS,
    Limits,
    ReportError,
    checked_name,
    cut_message,
    in_range,
    shown,
    to_outcome,
    to_seconds,
)

LIMITS = Limits(max_name_chars=20, max_message_chars=10)


def test_default_limits() -> None:
    assert Limits() == Limits(
        max_object_bytes=536_870_912,
        max_uncompressed_bytes=2_147_483_648,
        max_record_bytes=1_048_576,
        max_cases=2_000_000,
        max_name_chars=2_000,
        max_message_chars=4_000,
        max_depth=100,
    )


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("passed", "passed"),
        ("PASS", "passed"),
        (" Success ", "passed"),
        ("failed", "failed"),
        ("Failure", "failed"),
        ("error", "error"),
        ("broken", "error"),
        ("skipped", "skipped"),
        ("pending", "skipped"),
    ],
)
def test_words_for_outcomes(word: str, outcome: str) -> None:
    assert to_outcome(word) == outcome


def test_unknown_outcome_is_refused_with_what_is_accepted() -> None:
    with pytest.raises(ReportError) as caught:
        to_outcome("maybe")
    assert str(caught.value).startswith("outcome: is not an outcome (received 'maybe'); accepted: ")
    assert "passed" in caught.value.accepted


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("0.012", 0.012),
        (".5", 0.5),
        ("3.", 3.0),
        (" 7 ", 7.0),
        ("1e-3", 0.001),
        ("2.5E+02", 250.0),
        ("1,234", 1234.0),
        ("1,234.5", 1234.5),
        (" 12,345,678.25 ", 12345678.25),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert to_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "  ", "\t"])
def test_blank_duration_is_unknown_and_not_zero(text: str) -> None:
    assert to_seconds(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "-1",
        "nan",
        "inf",
        "1e999",
        "1_000",
        "1,5",
        "0,012",
        "12,34",
        "1,234,5",
        "1 234",
        "٣",
        "0x10",
        "1.2.3",
        "1s",
        "--1",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ReportError, match="is not a duration in seconds"):
        to_seconds(text)


def test_refused_duration_names_its_field() -> None:
    with pytest.raises(ReportError) as caught:
        to_seconds("soon", "testcase time")
    assert caught.value.field == "testcase time"


def test_duration_of_a_year_is_the_longest() -> None:
    assert MAX_DURATION_SECONDS == 31_622_400
    assert in_range(MAX_DURATION_SECONDS) == MAX_DURATION_SECONDS
    with pytest.raises(ReportError):
        in_range(MAX_DURATION_SECONDS + 1)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -0.001, 10**400])
def test_numbers_out_of_range_are_refused(number: float) -> None:
    with pytest.raises(ReportError):
        in_range(number)


def test_in_range_gives_a_float() -> None:
    assert isinstance(in_range(3), float)


def test_name_is_kept_as_it_is() -> None:
    assert checked_name(" a: ü ", "name", LIMITS) == " a: ü "


@pytest.mark.parametrize("text", ["", " \t\n"])
def test_required_name_must_not_be_blank(text: str) -> None:
    with pytest.raises(ReportError, match="name: is missing or blank"):
        checked_name(text, "name", LIMITS)


def test_optional_name_may_be_blank() -> None:
    assert checked_name("", "classname", LIMITS, required=False) == ""


def test_name_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert checked_name("x" * 20, "name", LIMITS) == "x" * 20
    with pytest.raises(ReportError, match=r"is 21 characters long .*accepted: up to 20 characters"):
        checked_name("x" * 21, "name", LIMITS)


@pytest.mark.parametrize("text", ["a\0b", "half \ud800", "other half \udfff"])
def test_name_that_no_database_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ReportError, match="NUL or half a surrogate pair"):
        checked_name(text, "name", LIMITS)


def test_message_up_to_the_limit_is_kept() -> None:
    assert cut_message("0123456789", LIMITS) == "0123456789"


def test_longer_message_is_cut_and_says_so() -> None:
    assert cut_message("0123456789a", LIMITS) == "012345678…"


@pytest.mark.parametrize(("text", "kept"), [("a\0b", "a�b"), ("\udc80é", "�é")])
def test_message_that_no_database_can_hold_is_mended(text: str, kept: str) -> None:
    assert cut_message(text, LIMITS) == kept


def test_error_names_place_value_and_what_is_accepted() -> None:
    error = ReportError("is odd", field="time", value="x\n", accepted="even ones").at("csv", 7)
    assert str(error) == r"csv, line 7, time: is odd (received 'x\n'); accepted: even ones"


def test_error_leaves_out_what_is_not_known() -> None:
    assert str(ReportError("the report is empty")) == "the report is empty"


def test_place_of_an_error_is_not_overwritten() -> None:
    error = ReportError("is odd").at("csv", 7).at("json-lines", 8)
    assert (error.format, error.line) == ("csv", 7)


def test_error_as_data_holds_the_known_parts_only() -> None:
    error = ReportError("is odd", field="time", value="x", accepted="even ones").at("csv", 7)
    assert error.detail() == {
        "problem": "is odd",
        "format": "csv",
        "line": 7,
        "field": "time",
        "received": "'x'",
        "accepted": "even ones",
    }
    assert ReportError("is odd").detail() == {"problem": "is odd"}


@pytest.mark.parametrize(
    "value", ["x" * 1_000_000, b"x" * 1_000_000, ["x" * 1_000], "\0" * 500, {"k": list(range(999))}]
)
def test_shown_value_is_never_long(value: object) -> None:
    text = shown(value)
    assert len(text) <= 81
    assert text.endswith("…")


def test_shown_value_stays_on_one_line_and_can_be_encoded() -> None:
    text = shown("a\r\nlevel=ERROR\ud800")
    assert "\n" not in text
    assert json.loads(json.dumps(text)).encode() == text.encode()


def test_short_value_is_shown_whole() -> None:
    assert shown("x" * 80) == repr("x" * 80)
